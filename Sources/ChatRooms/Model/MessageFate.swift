/// What becomes of the messages of a user who is deleted. The raw values are stored in `erasures.mode`.
public enum MessageFate: UInt8, Sendable {
  /// They stay, under the name.
  case keep = 0
  /// They stay, without their author.
  case anonymize = 1
  /// They are deleted.
  case erase = 2

  public init?(name: String) {
    switch name {
    case "keep": self = .keep
    case "anonymize": self = .anonymize
    case "erase": self = .erase
    default: return nil
    }
  }

  public init?(stored value: Int64?) {
    guard let raw = value.flatMap(UInt8.init(exactly:)) else { return nil }
    self.init(rawValue: raw)
  }

  public var name: String {
    switch self {
    case .keep: "keep"
    case .anonymize: "anonymize"
    case .erase: "erase"
    }
  }
}

/// Whom a message names whose author was taken away: nobody, and the same for all, so that it leads back to no one.
public enum DeletedUser {
  /// No user can have this name: `UserName` refuses it.
  public static let name = "deleted user"
  /// No user has this id.
  public static let id: UserID = 0
  /// In whose name erasures act.
  public static let user = User(id: id, name: name, displayName: nil, createdAt: 0)
}

extension Message {
  /// Without what tells who wrote it: the author, and the author's own `ref` and `data`. Its text may still tell.
  public var anonymized: Message {
    var message = self
    message.user = DeletedUser.name
    message.userID = DeletedUser.id
    message.ref = nil
    message.data = nil
    return message
  }
}
