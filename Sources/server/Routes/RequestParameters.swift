import ChatRooms
import HistoryIndex

/// Values of a request, checked. Each error names its parameter.
extension RoutedRequest {
  /// A part of the path.
  func value(_ name: String) -> String { values[name] ?? "" }

  /// The `:id` of a room.
  func roomID() throws(ChatError) -> RoomID {
    guard let id = Self.positive(value("id")) else {
      throw .invalid("id", "A room's id is a whole number from 1 on, not '\(value("id"))'.")
    }
    return id
  }

  /// The `:seq` of a message.
  func seq() throws(ChatError) -> Int64 {
    guard let seq = Self.positive(value("seq")) else {
      throw .invalid("seq", "A message's seq is a whole number from 1 on, not '\(value("seq"))'.")
    }
    return seq
  }

  /// `nil` where the query has no such parameter.
  func integer(_ name: String, in range: ClosedRange<Int64>) throws(ChatError) -> Int64? {
    guard let text = request.parameter(name) else { return nil }
    guard let integer = Self.whole(text), range.contains(integer) else {
      let most = range.upperBound == .max ? "on" : "to \(range.upperBound)"
      throw .invalid(name, "\(name) is a whole number from \(range.lowerBound) \(most), not '\(text.prefix(40))'.")
    }
    return integer
  }

  func limit(in range: ClosedRange<Int>, default standard: Int) throws(ChatError) -> Int {
    Int(try integer("limit", in: Int64(range.lowerBound)...Int64(range.upperBound)) ?? Int64(standard))
  }

  /// Digits alone: `Int64` itself would take a plus sign.
  private static func whole(_ text: String) -> Int64? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
  }

  private static func positive(_ text: String) -> Int64? { whole(text).flatMap { $0 > 0 ? $0 : nil } }
}
