import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let users = Command(
    name: "users", summary: "List, make and delete users.",
    synopsis: "users list | create NAME | delete NAME  [FLAGS]",
    explanation: "Looks after users, as an admin would. A deleted user leaves every room; the messages stay, and the "
      + "name is never given to somebody else.",
    options: [.json, CommandOption("display-name", placeholder: "TEXT", help: "create: how the name is shown.")],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver users create camelia", meaning: "makes the user camelia"),
      Example(line: "palaver users list --json", meaning: "one JSON object a line for each user"),
    ]
  ) { context in
    let words = try context.positionals(1...2, "list, create NAME or delete NAME")
    let configuration = try context.configuration(for: .maintenance)
    let argument = words.count > 1 ? words[1] : nil
    return try await Backends.with(configuration, context) { backends in
      let users = UsersCommand(backends: backends, context: context)
      switch (words[0], argument) {
      case ("list", nil): try await users.list()
      case ("create", let name?): try await users.create(name)
      case ("delete", let name?): try await users.delete(name)
      default: throw ConfigurationError("expected list, create NAME or delete NAME")
      }
      return CommandLineProgram.Status.success
    }
  }
}

private struct UsersCommand {
  var backends: Backends
  var context: CommandContext

  private static let page = 1_000

  func list() async throws {
    var after: UserID = 0
    while true {
      let users = try await backends.rooms.users(after: after, limit: Self.page)
      for user in users { show(user) }
      guard users.count == Self.page, let last = users.last else { return }
      after = last.id
    }
  }

  private func show(_ user: User) {
    guard context.isJSON else { return context.print("\(user.id)\t\(user.name)") }
    var writer = JSONWriter()
    writer.object { RoomReplies.user(user, in: &$0) }
    context.print(writer.string)
  }

  func create(_ name: String) async throws {
    show(try await backends.rooms.createUser(name: name, displayName: context.arguments.flags["display-name"]))
  }

  func delete(_ name: String) async throws {
    guard let user = try await backends.rooms.user(named: name) else { throw ChatError.userNotFound(name) }
    try await backends.withWriter { writer in
      try await UserDeletion(rooms: backends.rooms, writer: writer).delete(user)
    }
    if context.isJSON { show(user) } else { context.print("\(user.name) deleted") }
  }
}
