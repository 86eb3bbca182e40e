import ChatRooms
import Drivers

/// Ids of rows of `messages`: the time, and a number within its millisecond.
///
/// So the table, and the index of words that has the same ids, are in the order of time: what is newest is found first,
/// however many messages match, and a stretch of time is a range of ids.
struct MessageKeys {
  /// Not more, so that two ids differ by less than 2^56: FTS5 (as of 3.40) leaves rows out where it reads a long list of
  /// ids backwards and two neighbours differ by nine bytes of its variable-length numbers.
  private static let bits: Int64 = 12
  private static let perMillisecond: Int64 = 1 << bits
  /// From the year 1691 until the year 2248.
  static let times: ClosedRange<Milliseconds> = -(1 << 43)...(1 << 43) - 1

  /// The newest id of each time in this transaction.
  private var newest: [Milliseconds: Int64] = [:]

  /// The first id of a time; bounds of searches may be any number.
  static func first(at time: Milliseconds) -> Int64 {
    time < times.lowerBound ? .min : time > times.upperBound ? .max : time << bits
  }

  /// An id for a message of that time, and the time to store with it: the next millisecond if 4,096 messages have
  /// this one already, the nearest one if it cannot be expressed.
  mutating func next(at time: Milliseconds, _ connection: any SQLConnection) throws -> (id: Int64, time: Milliseconds) {
    var time = min(max(time, Self.times.lowerBound), Self.times.upperBound)
    while true {
      let first = Self.first(at: time)
      let last = first + (Self.perMillisecond - 1)
      let known = try newest[time] ?? Self.newest(first...last, connection) ?? first - 1
      if known < last {
        newest[time] = known + 1
        return (known + 1, time)
      }
      guard time < Self.times.upperBound else {
        throw SQLError(kind: .other, code: 0, message: "too many messages at the end of time")
      }
      time += 1
    }
  }

  private static func newest(_ ids: ClosedRange<Int64>, _ connection: any SQLConnection) throws -> Int64? {
    try connection.query(
      "SELECT MAX(id) FROM messages WHERE id BETWEEN ? AND ?", [.integer(ids.lowerBound), .integer(ids.upperBound)]
    ).first?.integer(0)
  }
}
