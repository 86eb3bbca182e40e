import ChatRooms
import Drivers

/// Renders the events of a commit, those of one room behind each other into one piece of memory: a busy room's events come
/// in batches, and a piece and a delivery for each event was what the hub spent most on.
struct BroadcastBuilder {
  /// Bytes after which a piece is ended, so that it stays far below the bound of a connection's queue.
  static let byteLimit = 64 << 10

  private(set) var room: RoomID?
  /// The loops that have subscribers of the room.
  private(set) var loops: [Int] = []
  private var formats: WireFormats = []
  private var events: ClosedRange<Int64> = 0...0
  private var raw = WebSocketFrame.Run(capacity: 0)
  private var v1 = WebSocketFrame.Run(capacity: 0)
  private var writer = JSONWriter(capacity: 512)

  /// Whether the room's next event belongs to what has been rendered.
  func isOpen(for room: RoomID, in formats: WireFormats) -> Bool {
    self.room == room && self.formats == formats && raw.byteCount < Self.byteLimit && v1.byteCount < Self.byteLimit
  }

  mutating func open(_ room: RoomID, to loops: some Collection<Int>, in formats: WireFormats) {
    self.room = room
    self.loops = Array(loops)
    self.formats = formats
    events = 0...0
  }

  /// - Parameter object: the message's JSON in the state of the event, where it is at hand.
  mutating func append(_ event: RoomEvent, object: ArraySlice<UInt8>?) {
    events = (events.upperBound == 0 ? event.event : events.lowerBound)...max(event.event, events.upperBound)
    let message = event.message
    switch event.kind {
    case .message where message.isDeleted, .edit where message.isDeleted, .deletion:
      // An erased message, too, whose event this server comes to late: its number is taken, and there is nothing to show.
      say(MessageWire.deletedFrame(room: event.room, event: event.event, seq: message.seq))
    case .message: append(message, object: object)
    case .edit: say(MessageWire.editedFrame(message))
    case .imported: say(MessageWire.importedFrame(room: event.room, event: event.event))
    case .removal, .closure: say(MessageWire.removedFrame(room: event.room, event: event.event, user: message.user))
    }
  }

  private mutating func append(_ message: Message, object: ArraySlice<UInt8>?) {
    if formats.contains(.raw) {
      writer.removeAll()
      MessageWire.writeRaw(message, to: &writer)
      raw.append("", writer.bytes[...])
    }
    guard formats.contains(.v1) else { return }
    if let object {
      MessageWire.appendMessageFrame(of: object, to: &v1)
    } else {
      v1.append(MessageWire.messageFrame(message))
    }
  }

  /// What the raw protocol has no words for.
  private mutating func say(_ frame: @autoclosure () -> WebSocketFrame) {
    if formats.contains(.v1) { v1.append(frame()) }
  }

  /// What has been rendered; `nil` if that is nothing.
  mutating func take() -> Broadcast? {
    guard room != nil else { return nil }
    room = nil
    defer { (raw, v1) = (WebSocketFrame.Run(capacity: 0), WebSocketFrame.Run(capacity: 0)) }
    return Broadcast(events: events, raw: raw.frame, v1: v1.frame)
  }
}

extension Broadcast {
  /// One event in every format.
  public init(rendering event: RoomEvent) {
    var builder = BroadcastBuilder()
    builder.open(event.room, to: [], in: .all)
    builder.append(event, object: nil)
    self = builder.take() ?? Broadcast(events: event.event...event.event, raw: nil, v1: nil)
  }
}
