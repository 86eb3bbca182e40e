import ChatRooms
import Drivers

/// The meeting point of what is committed and who is connected: joins rooms at an exact position and hands each event
/// from there on to the loops that have subscribers.
///
/// All methods may be called from any thread and never wait.
public final class RoomHub: Sendable {
  public init() {}

  /// Makes a loop known; the number stands for it from then on.
  public func attach(_ loop: any DeliveryLoop) -> Int { 0 }

  /// Answers with `Delivery.joined` or `.refused` to that loop.
  public func join(_ request: JoinRequest, loop: Int) {}

  /// Deliveries to the subscription may still come; the loop drops them.
  public func leave(_ subscription: SubscriptionID, room: RoomID, loop: Int) {}

  /// A frame without a number to all of a room's `palaver.v1` subscribers on this server.
  public func notice(_ frame: WebSocketFrame, in room: RoomID) {}
}
