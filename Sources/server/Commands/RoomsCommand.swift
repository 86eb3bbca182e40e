import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let rooms = Command(
    name: "rooms", summary: "List, show, make and delete rooms.",
    synopsis: "rooms list | show ROOM | create [NAME] | delete ROOM | rewind  [FLAGS]",
    explanation: "Looks after rooms, as an admin would. ROOM is a room's id or the name of a public room. What is "
      + "deleted is gone for its members at once, and its id and history are never given to another room. "
      + "'rewind' is for after the database was put back to an older copy, where servers did not notice by themselves: "
      + "with SQLite they never do.",
    options: [
      .json, CommandOption("topic", placeholder: "TEXT", help: "create: the room's topic."),
      CommandOption("kind", placeholder: "KIND", help: "create: public, private or direct (public)."),
      CommandOption("members", placeholder: "NAMES", help: "create: users who are members, with commas between."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver rooms list", meaning: "every room with its newest message and its members"),
      Example(line: "palaver rooms create lobby --topic 'Come in'", meaning: "makes a public room"),
      Example(line: "palaver rooms delete 7", meaning: "deletes room 7"),
      Example(line: "palaver rooms rewind", meaning: "all clients forget what they had, and no number is used twice"),
    ]
  ) { context in
    let words = try context.positionals(1...2, Command.usage)
    let configuration = try context.configuration(for: .maintenance)
    if words[0] != "create" { try configuration.requireFilledFolder() }
    let argument = words.count > 1 ? words[1] : nil
    return try await Backends.with(configuration, context) { backends in
      let rooms = RoomsCommand(backends: backends, context: context)
      switch (words[0], argument) {
      case ("list", nil): try await rooms.list()
      case ("show", let name?): try await rooms.show(name)
      case ("create", let name): try await rooms.create(name)
      case ("delete", let name?): try await rooms.delete(name)
      case ("rewind", nil): try await rooms.rewind()
      default: throw ConfigurationError("expected \(Command.usage)")
      }
      return CommandLineProgram.Status.success
    }
  }
}

extension Command {
  fileprivate static let usage = "list, show ROOM, create [NAME], delete ROOM or rewind"
}

private struct RoomsCommand {
  var backends: Backends
  var context: CommandContext

  private static let page = 500

  func list() async throws {
    var filter = RoomFilter(reader: nil, isAdmin: true, limit: Self.page)
    var isFirst = true
    while true {
      let summaries = try await backends.rooms.rooms(filter)
      for summary in summaries { show(summary, isFirst: &isFirst) }
      guard summaries.count == Self.page, let last = summaries.last else { return }
      filter.after = last.room.id
    }
  }

  private func show(_ summary: RoomSummary, isFirst: inout Bool) {
    if context.isJSON { return context.print(Self.json(summary)) }
    if isFirst { context.print("id\tmessages\tmembers\tkind\tname") }
    isFirst = false
    let room = summary.room
    let name = room.name?.printable ?? "-"
    context.print("\(room.id)\t\(summary.position.lastSeq)\t\(summary.memberCount)\t\(room.kind.name)\t\(name)")
  }

  private static func json(_ summary: RoomSummary) -> String {
    var writer = JSONWriter()
    RoomReplies.summary(summary, present: nil, in: &writer)
    return writer.string
  }

  private func room(_ name: String) async throws -> Room {
    var found = try await backends.rooms.room(named: name)
    if found == nil, let id = RoomID(name) { found = try await backends.rooms.room(id) }
    guard let found else { throw ChatError(404, "room_not_found", "There is no room '\(name)'.") }
    return found
  }

  func show(_ name: String) async throws {
    guard let summary = try await backends.rooms.summary(of: try await room(name).id, reader: nil) else { return }
    if context.isJSON { return context.print(Self.json(summary)) }
    context.print("id        \(summary.room.id)")
    context.print("name      \(summary.room.name?.printable ?? "-")")
    context.print("topic     \(summary.room.topic?.printable ?? "-")")
    context.print("kind      \(summary.room.kind.name)")
    context.print("messages  \(summary.position.lastSeq)")
    context.print("events    \(summary.position.lastEvent) (epoch \(summary.position.epoch))")
    for member in try await backends.rooms.members(of: summary.room.id) {
      context.print("\(member.membership.role.name.padding(to: 10))\(member.user.name)")
    }
  }

  func create(_ name: String?) async throws {
    let kindName = context.arguments.flags["kind"] ?? Room.Kind.public.name
    guard let kind = Room.Kind(name: kindName) else {
      throw ConfigurationError("--kind", got: kindName, expected: "public, private or direct")
    }
    let members = context.arguments.flags["members"]?.split(separator: ",").map(\.trimmed) ?? []
    let new = NewRoom(name: name, topic: context.arguments.flags["topic"], kind: kind, members: members)
    let (room, position) = try await backends.rooms.createRoom(new, by: nil)
    if context.isJSON {
      context.print(
        Self.json(RoomSummary(room: room, position: position, memberCount: members.count, membership: nil)))
    } else {
      context.print("room \(room.id) made")
    }
  }

  func rewind() async throws {
    let report: RewindReport?
    if let index = backends.index {
      report = try await index.repair.run()
    } else {
      try await RewindRepair.changeEpochs(of: backends.database)
      report = RewindReport()
    }
    if backends.index == nil, !context.isJSON { return context.print("all rooms have a new epoch") }
    guard let report else { return context.print(context.isJSON ? "{}" : "a server has just done it") }
    context.print(
      context.isJSON
        ? #"{"from_index":\#(report.messages),"lost":\#(report.holes)}"#
        : "all rooms have a new epoch; \(report.messages) messages and changes came back from the index, "
          + "\(report.holes) are lost")
  }

  func delete(_ name: String) async throws {
    let room = try await room(name)
    try await backends.withWriter { writer in
      _ = try await writer.submit(Submission(room: room, action: .close, actor: .nobody, ref: nil))
    }
    context.print(context.isJSON ? #"{"id":\#(room.id)}"# : "room \(room.id) deleted")
  }
}

extension String {
  func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
