import ChatRooms
import Drivers

extension ExportLine {
  /// Reads a line that is no message's. A file comes from anywhere: names and numbers are checked as an API's.
  init(parsing line: ArraySlice<UInt8>) throws(BadLine) {
    let value: JSONValue
    do { value = try JSONValue(parsing: Array(line)) } catch { throw BadLine("not JSON: \(error)") }
    try self.init(value)
  }

  init(_ value: JSONValue) throws(BadLine) {
    switch value["type"]?.string {
    case ExportHeader.type: self = .header(try ExportHeader(value))
    case "room": self = .room(try Self.room(value))
    case "user": self = .user(try Self.user(value))
    case "member": self = .member(try Self.member(value))
    case "catalogue":
      self = .catalogue(
        ExportCounts(
          rooms: try value.count("rooms"), users: try value.count("users"), members: try value.count("members")))
    case let type?: throw BadLine("lines of type \(type.prefix(40)) are unknown")
    case nil: throw BadLine("type is missing")
    }
  }

  private static func room(_ value: JSONValue) throws(BadLine) -> CatalogueRoom {
    guard let kind = value["kind"]?.string.flatMap(Room.Kind.init(name:)) else {
      throw BadLine("kind is not public, private or direct")
    }
    do {
      let room = Room(
        id: try value.id("id"), name: try RoomName.validated(try value.text("name")),
        topic: try RoomName.validatedTopic(try value.text("topic")), kind: kind, lane: 0, routing: "",
        createdAt: try value.time("created_at"))
      return CatalogueRoom(
        room: room, createdBy: try value.text("created_by"), ref: try ImportLine.ref(value["ref"]),
        lastSeq: try value.count("last_seq"))
    } catch { throw BadLine(error) }
  }

  private static func user(_ value: JSONValue) throws(BadLine) -> CatalogueUser {
    do {
      let user = User(
        id: try value.id("id"), name: try UserName.validated(try value.string("name")),
        displayName: try UserName.validatedDisplayName(try value.text("display_name")),
        createdAt: try value.time("created_at"))
      return CatalogueUser(user: user, deletedAt: try value["deleted_at"] == nil ? nil : value.time("deleted_at"))
    } catch { throw BadLine(error) }
  }

  private static func member(_ value: JSONValue) throws(BadLine) -> CatalogueMember {
    guard let role = Membership.Role.allCases.first(where: { $0.name == value["role"]?.string }) else {
      throw BadLine("role is not owner or member")
    }
    return CatalogueMember(
      room: try value.id("room"), user: try value.string("user"), role: role,
      readSeq: try value.count("read_seq"), joinedAt: try value.time("joined_at"))
  }
}

extension ExportHeader {
  /// `nil` for the first line of anything else.
  ///
  /// - Throws: for an export that this version cannot read.
  init?(firstLine line: ArraySlice<UInt8>) throws(BadLine) {
    guard line.starts(with: #"{"type":""#.utf8), let value = try? JSONValue(parsing: Array(line)),
      value["type"]?.string == Self.type
    else { return nil }
    try self.init(value)
  }

  fileprivate init(_ value: JSONValue) throws(BadLine) {
    guard try value.count("version") == Self.version else {
      throw BadLine("an export of another version of the format; this one reads \(Self.version)")
    }
    self.init(
      id: try value.string("id"), installation: try value.string("installation"),
      exportedAt: try value.time("exported_at"))
  }
}

/// What an export's line says of its message beside a plain import's.
public struct ExportedState: Sendable, Equatable {
  /// The room's id in the export.
  public var room: RoomID
  public var seq: Int64
  public var editedAt: Milliseconds?
  public var isDeleted: Bool

  public init(room: RoomID, seq: Int64, editedAt: Milliseconds? = nil, isDeleted: Bool = false) {
    self.room = room
    self.seq = seq
    self.editedAt = editedAt
    self.isDeleted = isDeleted
  }
}

extension ImportLine {
  /// A message's line of an export.
  init(exported value: JSONValue) throws(BadLine) {
    let isDeleted = value["deleted"]?.boolean ?? false
    let state = ExportedState(
      room: try value.id("room"), seq: try value.id("seq"),
      editedAt: try isDeleted || value["edited_at"] == nil ? nil : value.time("edited_at"), isDeleted: isDeleted)
    self.init(
      room: "", user: try Self.author(value), timestamp: try value.time("timestamp"),
      text: isDeleted ? "" : try value.string("text"))
    exported = state
    guard !isDeleted else { return }
    data = try Self.data(value["data"])
    ref = try Self.ref(value["ref"])
    if value["reply_to"] != nil { replyTo = try value.id("reply_to") }
    try check()
  }

  /// Where history had to be repaired, messages may be nobody's; of who was deleted with them, they are everybody's.
  private static func author(_ value: JSONValue) throws(BadLine) -> String {
    let name = try value.string("user")
    if name.isEmpty || name == DeletedUser.name { return name }
    do { return try UserName.validated(name) } catch { throw BadLine(error) }
  }
}

extension BadLine {
  fileprivate init(_ error: any Error) {
    self = (error as? BadLine) ?? BadLine((error as? ChatError)?.message ?? "\(error)")
  }
}

extension JSONValue {
  /// Numbers of users, rooms and messages: far from where adding to them would overflow.
  private static let largestNumber: Int64 = 1 << 53

  fileprivate func id(_ name: String) throws(BadLine) -> Int64 {
    let number = try count(name)
    guard number > 0 else { throw BadLine("\(name) is 0") }
    return number
  }

  fileprivate func count(_ name: String) throws(BadLine) -> Int64 {
    guard let number = self[name]?.integer, (0...Self.largestNumber).contains(number) else {
      throw BadLine("\(name) is missing or no number")
    }
    return number
  }

  fileprivate func time(_ name: String) throws(BadLine) -> Milliseconds {
    guard let time = self[name]?.integer, ImportLine.timestamps.contains(time) else {
      throw BadLine("\(name) is missing or no time")
    }
    return time
  }

  fileprivate func string(_ name: String) throws(BadLine) -> String {
    guard let string = self[name]?.string else { throw BadLine("\(name) is missing or no string") }
    return string
  }

  /// `nil` where there is no such member.
  fileprivate func text(_ name: String) throws(BadLine) -> String? {
    try self[name] == nil ? nil : string(name)
  }
}

extension ImportChunk {
  /// What stands behind the catalogue: messages, and users before their first message.
  mutating func append(exported bytes: ArraySlice<UInt8>, number: Int64) throws(BadLine) {
    let value: JSONValue
    do { value = try JSONValue(parsing: Array(bytes)) } catch { throw BadLine("not JSON: \(error)") }
    guard value["type"] != nil else { return lines.append((number, try ImportLine(exported: value))) }
    guard case .user(let user) = try ExportLine(value) else { throw BadLine("a line that belongs before messages") }
    users.append(user)
  }
}
