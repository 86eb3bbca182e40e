import ChatRooms
import Drivers

/// An edit or a deletion that was stored under a client's ref: the same ref again is the same change.
///
/// Refs of changes are apart from those of messages: a client may use one for a message and again for its edit.
public struct ChangeRef: Sendable, Equatable {
  public var key: RefKey
  public var event: Int64
  /// The message that changed.
  public var seq: Int64
  public var kind: RoomEvent.Kind
  /// Tells another text under the same ref: 64 bits of FNV-1a. 0 for a deletion.
  public var digest: Int64
  public var happenedAt: Milliseconds

  /// Whether a submission asks for this very change.
  func isOf(_ submission: Submission) -> Bool {
    switch submission.action {
    case .edit(let base, let text): kind == .edit && seq == base.seq && digest == Self.digest(of: text)
    case .delete(let base): kind == .deletion && seq == base.seq
    case .send, .withdraw, .remove, .close, .announceImport: false
    }
  }

  /// 64 bits of FNV-1a.
  static func digest(of text: String) -> Int64 { Int64(bitPattern: FNV1a.hash(text.utf8)) }
}

/// The table `change_refs`, which both databases have.
extension ChangeRef {
  static let columns = "room_id, user_id, ref, event, seq, kind, digest, happened_at"

  /// From `columns`; `nil` for a row that no version of this program has written.
  init?(_ row: SQLRow) {
    guard let room = row.integer(0), let user = row.integer(1), let ref = row.text(2), let event = row.integer(3),
      let seq = row.integer(4), let kind = row.integer(5).flatMap(UInt8.init(exactly:)).flatMap(RoomEvent.Kind.init),
      let digest = row.integer(6), let happenedAt = row.integer(7)
    else { return nil }
    self.init(
      key: RefKey(room: room, user: user, ref: ref), event: event, seq: seq, kind: kind, digest: digest,
      happenedAt: happenedAt)
  }

  /// As `columns`.
  var values: [SQLValue] {
    [
      .integer(key.room), .integer(key.user), .text(key.ref), .integer(event), .integer(seq),
      .integer(Int64(kind.rawValue)), .integer(digest), .integer(happenedAt),
    ]
  }

  /// `(…)` for an INSERT, as `columns`.
  func append(to sql: inout MySQLText) {
    sql.append("(")
    sql.append(list: [key.room, key.user]) { $0.append($1) }
    sql.append(", ")
    sql.append(quoted: key.ref)
    sql.append(", ")
    sql.append(list: [event, seq, Int64(kind.rawValue), digest, happenedAt]) { $0.append($1) }
    sql.append(")")
  }
}
