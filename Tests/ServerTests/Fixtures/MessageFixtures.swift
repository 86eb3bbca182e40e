import ChatRooms
import Foundation

@testable import HistoryIndex
@testable import server

let anna = User(id: 1, name: "anna", displayName: nil, createdAt: 0)
let bob = User(id: 2, name: "bob", displayName: nil, createdAt: 0)

func room(_ id: RoomID, kind: Room.Kind = .public) -> Room {
  Room(id: id, name: nil, topic: nil, kind: kind, lane: 0, routing: "\(id)", createdAt: 0)
}

func message(_ seq: Int64, in room: RoomID = 1, text: String = "text", by user: User = anna) -> Message {
  Message(
    room: room, seq: seq, event: seq, revised: seq, user: user.name, userID: user.id, text: text,
    timestamp: 1_700_000_000_000 + seq)
}

func event(_ message: Message, kind: RoomEvent.Kind = .message) -> RoomEvent {
  RoomEvent(
    kind: kind, event: message.revised, lastSeq: message.seq, message: message, timestamp: message.timestamp, lane: 0,
    position: message.revised, routing: "1", roomKind: .public, nonce: 1)
}

func upgrade(
  _ user: User = anna, room joined: Room? = room(1), format: WireFormat = .v1, expiresAt: Milliseconds? = nil
) -> WebSocketUpgrade {
  WebSocketUpgrade(
    caller: Caller(user: user, isAdmin: false, expiresAt: expiresAt), user: user, format: format,
    subprotocol: format == .v1 ? "palaver.v1" : nil,
    join: joined.map { .init(room: $0, since: nil, epoch: nil, limit: 100) })
}

/// A masked client frame.
func clientFrame(
  _ payload: [UInt8], opcode: UInt8 = 0x1, isFinal: Bool = true, mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]
) -> [UInt8] {
  var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
  switch payload.count {
  case ...125: frame.append(0x80 | UInt8(payload.count))
  case ...0xFFFF: frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
  default: frame += [0x80 | 127] + (0..<8).reversed().map { UInt8(payload.count >> (8 * $0) & 0xFF) }
  }
  return frame + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
}

func clientFrame(_ text: String) -> [UInt8] { clientFrame(Array(text.utf8)) }

/// Waits for something that another thread brings about, without a fixed time.
final class Signal: @unchecked Sendable {
  private let condition = NSCondition()
  private var count = 0

  func raise() {
    condition.withLock {
      count += 1
      condition.broadcast()
    }
  }

  /// Returns false if it was not raised that often within ten seconds.
  func wait(for wanted: Int = 1) -> Bool {
    let deadline = Date(timeIntervalSinceNow: 10)
    return condition.withLock {
      while count < wanted { if !condition.wait(until: deadline) { return false } }
      return true
    }
  }
}
