import CLinux
import Foundation

/// How far long work has come: a bar on a terminal, a plain line now and then elsewhere.
struct ProgressDisplay {
  private let name: String
  private let isTerminal: Bool
  private let write: @Sendable (String) -> Void
  private var start: ContinuousClock.Instant?
  private var lastShown: ContinuousClock.Instant?
  private var isBarShown = false

  private static let barWidth = 24
  private static let terminalInterval = Duration.milliseconds(100)
  private static let plainInterval = Duration.seconds(10)

  /// - Parameter write: takes text as it is, with its line breaks.
  init(name: String, isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
    self.name = name
    self.isTerminal = isTerminal
    self.write = write
  }

  /// - Parameters:
  ///   - fraction: how much of all was done, where that can be known.
  ///   - now: nothing is shown too soon after the last time.
  mutating func show(done: Int64, unit: String, fraction: Double?, now: ContinuousClock.Instant) {
    let start = self.start ?? now
    self.start = start
    let interval = isTerminal ? Self.terminalInterval : Self.plainInterval
    guard now - (lastShown ?? start) >= interval else { return }
    lastShown = now
    let text = Self.text(name, done: done, unit: unit, fraction: fraction, seconds: (now - start) / .seconds(1))
    write(isTerminal ? "\r\u{1B}[2K\(Self.bar(fraction))\(text)" : "\(text)\n")
    isBarShown = isTerminal
  }

  static func text(_ name: String, done: Int64, unit: String, fraction: Double?, seconds: Double) -> String {
    var text = "\(name): \(done) \(unit)"
    if seconds > 0 { text += ", \(Int64(Double(done) / seconds))/s" }
    guard let fraction else { return text }
    text += ", \(Int(fraction * 100)) %"
    if fraction > 0.001, seconds > 1 { text += ", \(time(seconds / fraction - seconds)) left" }
    return text
  }

  /// `47 s`, `3 min 20 s`, `2 h 5 min`.
  static func time(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 1e9)).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
  }

  private static func bar(_ fraction: Double?) -> String {
    guard let fraction else { return "" }
    let filled = Int(Double(barWidth) * max(0, min(1, fraction)))
    return "[\(String(repeating: "█", count: filled))\(String(repeating: "·", count: barWidth - filled))] "
  }

  /// A line of its own in between.
  mutating func interrupt(_ line: String) {
    write(isBarShown ? "\r\u{1B}[2K\(line)\n" : "\(line)\n")
    isBarShown = false
  }

  mutating func finish() {
    if isBarShown { write("\r\u{1B}[2K") }
    isBarShown = false
  }
}

/// What standard error is connected to.
enum Terminal {
  static var isStandardError: Bool { isatty(STDERR_FILENO) == 1 }

  static let write: @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
}
