import ChatRooms
import Drivers

/// The lines of an export, in this order: the header, rooms, users, members, the count of these, messages by room and
/// seq. Users may also stand between messages, before the first message of theirs.
///
/// Messages are the lines of a plain import with the room's id in place of its name and some members more; all other
/// lines have a `type`. Members that a reader does not know are to be left out of account.
enum ExportLine: Equatable {
  case header(ExportHeader)
  case room(CatalogueRoom)
  case user(CatalogueUser)
  case member(CatalogueMember)
  case catalogue(ExportCounts)
}

/// What an export is.
public struct ExportHeader: Sendable, Equatable {
  /// Of the format.
  static let version: Int64 = 1
  static let type = "palaver-export"

  /// Tells this export from every other. Random.
  public var id: String
  /// The installation's own name.
  public var installation: String
  public var exportedAt: Milliseconds

  public init(id: String, installation: String, exportedAt: Milliseconds) {
    self.id = id
    self.installation = installation
    self.exportedAt = exportedAt
  }
}

/// What stands before the first message, so that a reader knows that all of it came.
struct ExportCounts: Sendable, Equatable {
  var rooms: Int64 = 0
  var users: Int64 = 0
  var members: Int64 = 0
}

extension ExportLine {
  /// With the line break.
  func append(to writer: inout JSONWriter) {
    writer.object {
      switch self {
      case .header(let header): Self.append(header, to: &$0)
      case .room(let room): Self.append(room, to: &$0)
      case .user(let user): Self.append(user, to: &$0)
      case .member(let member): Self.append(member, to: &$0)
      case .catalogue(let counts): Self.append(counts, to: &$0)
      }
    }
    writer.newline()
  }

  private static func append(_ header: ExportHeader, to writer: inout JSONWriter) {
    writer.member("type", ExportHeader.type)
    writer.member("version", ExportHeader.version)
    writer.member("id", header.id)
    writer.member("installation", header.installation)
    writer.member("exported_at", header.exportedAt)
  }

  private static func append(_ entry: CatalogueRoom, to writer: inout JSONWriter) {
    writer.member("type", "room")
    writer.member("id", entry.room.id)
    writer.member("kind", entry.room.kind.name)
    writer.member("name", ifPresent: entry.room.name)
    writer.member("topic", ifPresent: entry.room.topic)
    writer.member("created_at", entry.room.createdAt)
    writer.member("created_by", ifPresent: entry.createdBy)
    writer.member("ref", ifPresent: entry.ref)
    writer.member("last_seq", entry.lastSeq)
  }

  private static func append(_ entry: CatalogueUser, to writer: inout JSONWriter) {
    writer.member("type", "user")
    writer.member("id", entry.user.id)
    writer.member("name", entry.user.name)
    writer.member("display_name", ifPresent: entry.user.displayName)
    writer.member("created_at", entry.user.createdAt)
    writer.member("deleted_at", ifPresent: entry.deletedAt)
  }

  private static func append(_ member: CatalogueMember, to writer: inout JSONWriter) {
    writer.member("type", "member")
    writer.member("room", member.room)
    writer.member("user", member.user)
    writer.member("role", member.role.name)
    writer.member("read_seq", member.readSeq)
    writer.member("joined_at", member.joinedAt)
  }

  private static func append(_ counts: ExportCounts, to writer: inout JSONWriter) {
    writer.member("type", "catalogue")
    writer.member("rooms", counts.rooms)
    writer.member("users", counts.users)
    writer.member("members", counts.members)
  }

  /// A message's line, a deleted one's too: it keeps its number.
  static func append(_ message: Message, to writer: inout JSONWriter) {
    writer.object {
      $0.member("room", message.room)
      $0.member("seq", message.seq)
      $0.member("user", message.user)
      $0.member("timestamp", message.timestamp)
      guard !message.isDeleted else { return $0.member("deleted", true) }
      $0.member("text", message.text)
      $0.member("ref", ifPresent: message.ref)
      if let data = message.data {
        $0.key("data")
        $0.raw(data)
      }
      $0.member("reply_to", ifPresent: message.replyTo)
      $0.member("edited_at", ifPresent: message.editedAt)
    }
    writer.newline()
  }
}
