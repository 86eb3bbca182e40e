import ChatRooms

/// One connection's place in one room. Unique in a server's life.
public struct SubscriptionID: Hashable, Sendable {
  public var value: UInt64

  public init(_ value: UInt64) { self.value = value }
}

public enum WireFormat: Sendable {
  case raw
  case v1
}

public struct WireFormats: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let raw = WireFormats(rawValue: 1)
  public static let v1 = WireFormats(rawValue: 2)
  public static let all: WireFormats = [.raw, .v1]
}

/// A client's wish to join a room.
public struct JoinRequest: Sendable {
  public var subscription: SubscriptionID
  public var room: Room
  public var user: User
  public var format: WireFormat
  /// Resume after this event; `nil`: the newest `limit` messages.
  public var since: Int64?
  /// The epoch that `since` belongs to; `nil`: the present one.
  public var epoch: String?
  /// 1 ... 1,000.
  public var limit: Int

  public init(
    subscription: SubscriptionID, room: Room, user: User, format: WireFormat, since: Int64?, epoch: String?, limit: Int
  ) {
    self.subscription = subscription
    self.room = room
    self.user = user
    self.format = format
    self.since = since
    self.epoch = epoch
    self.limit = limit
  }
}

/// What `ready` tells a client.
public struct JoinState: Sendable, Equatable {
  public var position: RoomPosition
  public var since: Int64?
  /// Nothing was left out: what follows is everything after `since`.
  public var isComplete: Bool
  /// The client's position means nothing any more.
  public var isReset: Bool

  public init(position: RoomPosition, since: Int64?, isComplete: Bool, isReset: Bool) {
    self.position = position
    self.since = since
    self.isComplete = isComplete
    self.isReset = isReset
  }
}

/// Events of a room that came one after the other, rendered once in each format that somebody reads.
public struct Broadcast: Sendable {
  /// Dense.
  public var events: ClosedRange<Int64>
  /// `nil` where the raw protocol says nothing about such events, or nobody speaks it.
  public var raw: WebSocketFrame?
  /// `nil` where nobody speaks it.
  public var v1: WebSocketFrame?

  public init(events: ClosedRange<Int64>, raw: WebSocketFrame?, v1: WebSocketFrame?) {
    self.events = events
    self.raw = raw
    self.v1 = v1
  }

  /// Bytes of the longer rendering.
  public var byteCount: Int { max(raw?.bytes.count ?? 0, v1?.bytes.count ?? 0) }
}

/// What the hub hands to a loop of the edge. A loop takes deliveries in the order in which they were posted.
public enum Delivery: Sendable {
  /// The subscription begins: `ready`, these frames, `replayed` (`through` = `state.position.lastEvent`), and from now
  /// on the room's broadcasts.
  case joined(SubscriptionID, JoinState, [WebSocketFrame])
  /// The join failed; there is no subscription.
  case refused(SubscriptionID, ChatError)
  /// To all subscriptions of that room on this loop.
  case broadcast(RoomID, Broadcast)
  /// Frames without a number (presence, typing), for `palaver.v1` subscriptions of that room only, without those of the
  /// user of that name.
  case notice(RoomID, WebSocketFrame, except: String? = nil)
  /// The hub lost track of the room: its subscriptions end with 1013, and the clients resume.
  case interrupt(RoomID)
  /// Ends the room's subscriptions of that user, or of everybody, with 4003.
  case evict(RoomID, UserID?)
  /// Closes all sockets of users up to this id with 4003, now and from now on: the users were deleted.
  case evictUsers(upTo: UserID)
}

/// A loop of the edge, as the hub sees it. The one who posts never waits.
public protocol DeliveryLoop: AnyObject, Sendable {
  func post(_ delivery: Delivery)
  /// The same for several at once, so that the loop wakes up to all of them.
  func post(contentsOf deliveries: [Delivery])
}

extension DeliveryLoop {
  public func post(contentsOf deliveries: [Delivery]) {
    for delivery in deliveries { post(delivery) }
  }
}
