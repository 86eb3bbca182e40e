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
      styled("\(room.printable):\(message.seq)", .room), styled(time(message.timestamp), .time),
      styled(message.user.printable, .user),
    ]
    return head.joined(separator: "  ") + "  " + marked(message.text, hit.highlights)
  }

  private func plain(_ message: Message, _ room: String) -> String {
    "\(room.printable):\(message.seq)  \(time(message.timestamp))  \(message.user.printable)  "
      + message.text.printable
  }

  private func time(_ milliseconds: Milliseconds) -> String {
    times.string(from: Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
  }

  private func marked(_ text: String, _ highlights: [Highlight]) -> String {
    guard isColored else { return text.printable }
    let units = Array(text.utf16)
    var result = ""
    var end = 0
    for highlight in highlights where highlight.start >= end && highlight.start + highlight.length <= units.count {
      result += String(decoding: units[end..<highlight.start], as: UTF16.self).printable
      end = highlight.start + highlight.length
      result += styled(String(decoding: units[highlight.start..<end], as: UTF16.self).printable, .match)
    }
    return result + String(decoding: units[end...], as: UTF16.self).printable
  }

  private func styled(_ text: String, _ style: Style) -> String {
    isColored ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
