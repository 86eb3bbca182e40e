import ChatRooms
import HistoryIndex

/// The connections of one loop that have a room, in compact arrays by wire format.
final class RoomTable {
  struct Subscriber {
    var connection: Connection
    var subscription: SubscriptionID
  }

  private(set) var raw: [Subscriber] = []
  private(set) var v1: [Subscriber] = []

  var isEmpty: Bool { raw.isEmpty && v1.isEmpty }
  var all: [Subscriber] { raw + v1 }

  /// Returns the subscriber's index, which `onMove` of a later removal may change.
  func add(_ subscriber: Subscriber) -> Int {
    if subscriber.connection.format == .raw {
      raw.append(subscriber)
      return raw.count - 1
    }
    v1.append(subscriber)
    return v1.count - 1
  }

  /// Puts the last subscriber in the place of the removed one, and tells it so.
  func remove(at index: Int, format: WireFormat, onMove: (Subscriber, Int) -> Void) {
    let moved = format == .raw ? Self.remove(at: index, from: &raw) : Self.remove(at: index, from: &v1)
    if let moved { onMove(moved, index) }
  }

  private static func remove(at index: Int, from subscribers: inout [Subscriber]) -> Subscriber? {
    guard index < subscribers.count, let last = subscribers.popLast() else { return nil }
    guard index < subscribers.count else { return nil }
    subscribers[index] = last
    return last
  }
}
