import Foundation

/// Structured logging: one JSON line an event on standard error. Messages are constant; what varies is metadata.
///
/// A value, handed to whoever logs. Secrets never go into metadata.
public struct Log: Sendable {
  public enum Level: String, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    public static func < (left: Level, right: Level) -> Bool {
      allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
    }
  }

  public var level: Level
  private let sink: @Sendable ([UInt8]) -> Void

  /// - Parameter sink: takes whole lines, from any thread; by default they go to standard error with one `write`.
  public init(level: Level = .info, sink: @escaping @Sendable ([UInt8]) -> Void = Log.standardError) {
    self.level = level
    self.sink = sink
  }

  /// Says nothing.
  public static let silent = Log(level: .error) { _ in }

  public func debug(_ message: String, _ metadata: KeyValuePairs<String, String> = [:]) {
    write(.debug, message, metadata)
  }

  public func info(_ message: String, _ metadata: KeyValuePairs<String, String> = [:]) {
    write(.info, message, metadata)
  }

  public func warning(_ message: String, _ metadata: KeyValuePairs<String, String> = [:]) {
    write(.warning, message, metadata)
  }

  public func error(_ message: String, _ metadata: KeyValuePairs<String, String> = [:]) {
    write(.error, message, metadata)
  }

  private func write(_ level: Level, _ message: String, _ metadata: KeyValuePairs<String, String>) {
    guard level >= self.level else { return }
    var writer = JSONWriter()
    writer.object {
      $0.member("time", Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
      $0.member("level", level.rawValue)
      $0.member("message", message)
      for (name, value) in metadata { $0.member(name, value) }
    }
    writer.newline()
    sink(writer.bytes)
  }

  public static let standardError: @Sendable ([UInt8]) -> Void = { line in
    FileHandle.standardError.write(Data(line))
  }
}
