import ChatRooms
import HistoryIndex

/// Broadcasts of one room that came one after the other in a turn of a loop, and go out as one piece: a queue entry and a
/// reference for each and each connection was what a broadcast cost most.
struct BroadcastRun {
  /// Bytes after which a run is ended, so that one piece stays far below the bound of a connection's queue.
  static let byteLimit = 64 << 10

  private(set) var room: RoomID?
  private var rawFrames: [WebSocketFrame] = []
  private var v1Frames: [WebSocketFrame] = []
  private var byteCount = 0

  /// Returns false, and takes nothing, if the broadcast does not belong to this run.
  mutating func take(_ broadcast: Broadcast, in room: RoomID) -> Bool {
    guard self.room == nil || self.room == room && byteCount < Self.byteLimit else { return false }
    self.room = room
    if let raw = broadcast.raw { rawFrames.append(raw) }
    if let v1 = broadcast.v1 { v1Frames.append(v1) }
    byteCount += broadcast.byteCount
    return true
  }

  var raw: WebSocketFrame? { Self.joined(rawFrames) }
  var v1: WebSocketFrame? { Self.joined(v1Frames) }

  private static func joined(_ frames: [WebSocketFrame]) -> WebSocketFrame? {
    frames.count > 1 ? WebSocketFrame(joining: frames) : frames.first
  }
}
