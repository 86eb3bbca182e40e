import ChatRooms
import Drivers
import HistoryIndex

/// The frames of `palaver.v1` that belong to one connection; those of events are `MessageWire`'s.
enum V1Frames {
  /// What a client may use on this server.
  static let features = ["edit", "delete", "history", "read", "typing", "presence", "auth"]

  static func ready(_ room: RoomID, _ state: JoinState, expiresAt: Milliseconds?) -> WebSocketFrame {
    MessageWire.frame("ready", capacity: 256) {
      $0.member("room", room)
      $0.member("epoch", state.position.epoch)
      $0.member("last_event", state.position.lastEvent)
      $0.member("last_seq", state.position.lastSeq)
      $0.member("since", ifPresent: state.since)
      $0.member("complete", state.isComplete)
      $0.member("reset", state.isReset)
      $0.key("features")
      $0.array { array in for feature in features { array.value(feature) } }
      $0.member("expires_at", ifPresent: expiresAt)
    }
  }

  static func replayed(_ room: RoomID, through event: Int64) -> WebSocketFrame {
    MessageWire.frame("replayed", capacity: 64) {
      $0.member("room", room)
      $0.member("through", event)
    }
  }

  static func ack(
    _ receipt: Receipt, seq: Int64, event: Int64, timestamp: Milliseconds, isDuplicate: Bool
  ) -> WebSocketFrame {
    MessageWire.frame("ack", capacity: 192) {
      $0.member("ref", ifPresent: receipt.ref)
      $0.member("room", receipt.room)
      $0.member("seq", seq)
      $0.member("event", event)
      $0.member("timestamp", timestamp)
      $0.member("duplicate", isDuplicate)
    }
  }

  static func history(_ receipt: Receipt, _ page: RenderedPage) -> WebSocketFrame {
    MessageWire.frame("history", capacity: page.json.count + 160) {
      $0.member("ref", ifPresent: receipt.ref)
      $0.member("room", receipt.room)
      $0.raw(page.members)
    }
  }

  /// `read`: the mark stands at least at `seq`.
  static func read(_ receipt: Receipt, seq: Int64) -> WebSocketFrame {
    MessageWire.frame("read", capacity: 96) {
      $0.member("ref", ifPresent: receipt.ref)
      $0.member("room", receipt.room)
      $0.member("seq", seq)
    }
  }

  static func authenticated(ref: String?, expiresAt: Milliseconds?) -> WebSocketFrame {
    MessageWire.frame("auth", capacity: 96) {
      $0.member("ref", ifPresent: ref)
      $0.member("expires_at", ifPresent: expiresAt)
    }
  }

  /// `left`: a room's frames have ended, though the connection has not. `reason`: `left`, `removed`, `tryAgain`.
  static func left(_ room: RoomID, reason: String, ref: String?) -> WebSocketFrame {
    MessageWire.frame("left", capacity: 96) {
      $0.member("ref", ifPresent: ref)
      $0.member("room", room)
      $0.member("reason", reason)
    }
  }

  static func error(_ error: ChatError, room: RoomID?, ref: String?) -> WebSocketFrame {
    MessageWire.frame("error", capacity: 192 + error.message.utf8.count) {
      $0.member("ref", ifPresent: ref)
      $0.member("room", ifPresent: room)
      $0.member("error", error.word)
      $0.member("message", error.message)
      $0.member("parameter", ifPresent: error.parameter)
      $0.member("retry_after_ms", ifPresent: error.retryAfter.map(Int64.init))
    }
  }

  static func pong(ref: String?) -> WebSocketFrame {
    MessageWire.frame("pong", capacity: 96) { $0.member("ref", ifPresent: ref) }
  }

  static func bye(reconnectAfter: Int) -> WebSocketFrame {
    MessageWire.frame("bye", capacity: 64) { $0.member("reconnect_after_ms", reconnectAfter) }
  }

  static func typing(_ room: RoomID, user: String) -> WebSocketFrame {
    MessageWire.frame("typing", capacity: 128) {
      $0.member("room", room)
      $0.member("user", user)
    }
  }

  /// - Parameter present: how many users are connected.
  static func presence(_ room: RoomID, joined: [String], left: [String], present: Int) -> WebSocketFrame {
    MessageWire.frame("presence") {
      $0.member("room", room)
      $0.key("joined")
      $0.array { array in for name in joined { array.value(name) } }
      $0.key("left")
      $0.array { array in for name in left { array.value(name) } }
      $0.member("present", present)
    }
  }
}
