import ChatRooms
import Drivers
import HistoryIndex

/// How rooms, members and users look to clients.
enum RoomReplies {
  /// - Parameter event: the one that brought the room to its end.
  static func summary(_ summary: RoomSummary, present: Int?, event: Int64? = nil, in writer: inout JSONWriter) {
    writer.object {
      $0.member("id", summary.room.id)
      optional("name", summary.room.name, in: &$0)
      optional("topic", summary.room.topic, in: &$0)
      $0.member("kind", summary.room.kind.name)
      $0.member("epoch", summary.position.epoch)
      $0.member("created_at", summary.room.createdAt)
      $0.member("members", summary.memberCount)
      $0.member("present", ifPresent: present.map(Int64.init))
      $0.member("last_event", summary.position.lastEvent)
      $0.member("last_seq", summary.position.lastSeq)
      optional("last_message_at", summary.position.lastMessageAt, in: &$0)
      $0.key("membership")
      if let membership = summary.membership { self.membership(membership, in: &$0) } else { $0.null() }
      optional("unread", summary.unread, in: &$0)
      $0.member("event", ifPresent: event)
    }
  }

  static func membership(_ membership: Membership, in writer: inout JSONWriter) {
    writer.object {
      $0.member("role", membership.role.name)
      $0.member("read_seq", membership.readSeq)
    }
  }

  /// The members, without the braces.
  static func erasure(_ erasure: Erasure, in writer: inout JSONWriter) {
    writer.member("mode", erasure.fate.name)
    writer.member("state", erasure.isFinished ? "done" : "under_way")
    writer.member("requested_at", erasure.requestedAt)
    optional("finished_at", erasure.finishedAt, in: &writer)
    writer.member("messages", erasure.messages)
  }

  static func member(_ member: Member, in writer: inout JSONWriter) {
    writer.object {
      $0.member("name", member.user.name)
      $0.member("id", member.user.id)
      optional("display_name", member.user.displayName, in: &$0)
      $0.member("role", member.membership.role.name)
      $0.member("read_seq", member.membership.readSeq)
    }
  }

  static func user(_ user: User, in writer: inout JSONWriter) {
    writer.member("name", user.name)
    writer.member("id", user.id)
    optional("display_name", user.displayName, in: &writer)
    writer.member("created_at", user.createdAt)
  }

  /// A member that is `null` where there is no value: clients see that it exists.
  private static func optional(_ name: String, _ text: String?, in writer: inout JSONWriter) {
    writer.key(name)
    if let text { writer.value(text) } else { writer.null() }
  }

  private static func optional(_ name: String, _ integer: Int64?, in writer: inout JSONWriter) {
    writer.key(name)
    if let integer { writer.value(integer) } else { writer.null() }
  }
}
