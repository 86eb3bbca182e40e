import ChatRooms

/// Who follows a room, by the loops that they belong to and what they speak.
struct RoomAudience: Sendable {
  private struct Listeners: Sendable {
    var raw: Set<SubscriptionID> = []
    var v1: Set<SubscriptionID> = []

    var isEmpty: Bool { raw.isEmpty && v1.isEmpty }
  }

  private var listeners: [Int: Listeners] = [:]

  var isEmpty: Bool { listeners.isEmpty }
  var loops: some Collection<Int> { listeners.keys }
  var count: Int { listeners.values.reduce(0) { $0 + $1.raw.count + $1.v1.count } }

  var formats: WireFormats {
    listeners.values.reduce(into: []) { formats, one in
      if !one.raw.isEmpty { formats.insert(.raw) }
      if !one.v1.isEmpty { formats.insert(.v1) }
    }
  }

  mutating func insert(_ request: JoinRequest, loop: Int) {
    switch request.format {
    case .raw: listeners[loop, default: Listeners()].raw.insert(request.subscription)
    case .v1: listeners[loop, default: Listeners()].v1.insert(request.subscription)
    }
  }

  mutating func remove(_ subscription: SubscriptionID, loop: Int) {
    if listeners[loop]?.raw.remove(subscription) == nil { listeners[loop]?.v1.remove(subscription) }
    if listeners[loop]?.isEmpty == true { listeners[loop] = nil }
  }

  mutating func removeAll() { listeners = [:] }
}
