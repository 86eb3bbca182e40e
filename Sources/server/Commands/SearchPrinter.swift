import ChatRooms
import Foundation
import HistoryIndex

/// Writes hits for people: a line of where, when and who, then the text.
struct SearchPrinter {
  private enum Style: String {
    case room = "35"
    case time = "32"
    case user = "36"
    case match = "1;31"
    case context = "2"
  }

  private let isColored: Bool
  private let times: DateFormatter
  private var isFirst = true

  init(isColored: Bool, timeZone: String) {
    self.isColored = isColored
    times = DateFormatter()
    times.locale = Locale(identifier: "en_US_POSIX")
    times.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    times.dateFormat = "yyyy-MM-dd HH:mm:ss"
  }

  /// - Parameter context: what stands around the hit; `nil` where none is shown.
  mutating func lines(of hit: SearchHit, room: String, context: [Message]?) -> [String] {
    defer { isFirst = false }
    guard let context else { return [line(of: hit, room)] }
    let separator = isFirst ? [] : [styled("--", .context)]
    let before = context.filter { $0.seq < hit.message.seq }.map { styled(plain($0, room), .context) }
    let after = context.filter { $0.seq > hit.message.seq }.map { styled(plain($0, room), .context) }
    return separator + before + [line(of: hit, room)] + after
  }

  private func line(of hit: SearchHit, _ room: String) -> String {
    let message = hit.message
    let head = [
      styled("\(Self.printable(room)):\(message.seq)", .room), styled(time(message.timestamp), .time),
      styled(Self.printable(message.user), .user),
    ]
    return head.joined(separator: "  ") + "  " + marked(message.text, hit.highlights)
  }

  private func plain(_ message: Message, _ room: String) -> String {
    "\(Self.printable(room)):\(message.seq)  \(time(message.timestamp))  \(Self.printable(message.user))  "
      + Self.printable(message.text)
  }

  private func time(_ milliseconds: Milliseconds) -> String {
    times.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
  }

  private func marked(_ text: String, _ highlights: [Highlight]) -> String {
    guard isColored else { return Self.printable(text) }
    let units = Array(text.utf16)
    var result = ""
    var end = 0
    for highlight in highlights where highlight.start >= end && highlight.start + highlight.length <= units.count {
      result += Self.printable(String(decoding: units[end..<highlight.start], as: UTF16.self))
      end = highlight.start + highlight.length
      result += styled(Self.printable(String(decoding: units[highlight.start..<end], as: UTF16.self)), .match)
    }
    return result + Self.printable(String(decoding: units[end...], as: UTF16.self))
  }

  private func styled(_ text: String, _ style: Style) -> String {
    isColored ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Embeddings, overrides and isolates, which turn around what stands behind them, beyond the text's end.
  private static func isDirection(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// One line, in which what somebody sent cannot steer the terminal.
  private static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control: result.append(scalar == "\n" ? "⏎" : scalar == "\t" ? " " : "\u{FFFD}")
      case .lineSeparator, .paragraphSeparator: result.append("⏎")
      case .format where isDirection(scalar): result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
