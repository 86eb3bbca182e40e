import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let users = Command(
    name: "users", summary: "List, make and delete users.",
    synopsis: "users list | create NAME | delete NAME | sweep  [FLAGS]",
    explanation: "Looks after users, as an admin would. A deleted user leaves every room, and the name is never given "
      + "to somebody else. The messages stay, unless --messages says otherwise; the servers then change them one by "
      + "one, or this command does with --wait. 'sweep' has them look once more for messages of all users whose "
      + "messages were to go: for after the index was put back to an older copy.",
    options: [
      .json, CommandOption("display-name", placeholder: "TEXT", help: "create: how the name is shown."),
      CommandOption("messages", placeholder: "FATE", help: "delete: keep, anonymize or erase the messages (keep)."),
      CommandOption("wait", help: "delete, sweep: help, and end when nothing is left."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver users create camelia", meaning: "makes the user camelia"),
      Example(line: "palaver users list --json", meaning: "one JSON object a line for each user"),
      Example(
        line: "palaver users delete camelia --messages erase --wait", meaning: "deletes camelia and all her messages"),
    ]
  ) { context in
    let words = try context.positionals(1...2, "list, create NAME, delete NAME or sweep")
    let configuration = try context.configuration(for: .maintenance)
    if words[0] != "create" { try configuration.requireFilledFolder() }
    let argument = words.count > 1 ? words[1] : nil
    return try await Backends.with(configuration, context) { backends in
      let users = UsersCommand(backends: backends, context: context)
      switch (words[0], argument) {
      case ("list", nil): try await users.list()
      case ("create", let name?): try await users.create(name)
      case ("delete", let name?): try await users.delete(name)
      case ("sweep", nil): try await users.sweep()
      default: throw ConfigurationError("expected list, create NAME, delete NAME or sweep")
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
    let word = context.arguments.flags["messages"] ?? MessageFate.keep.name
    guard let fate = MessageFate(name: word) else {
      throw ConfigurationError("--messages", got: word, expected: "keep, anonymize or erase")
    }
    try await backends.withWriter { writer in
      if let user = try await backends.rooms.user(named: name) {
        try await UserDeletion(rooms: backends.rooms, writer: writer).delete(user, messages: fate)
      } else {
        // Whose messages had stayed.
        guard fate != .keep, try await backends.erasures.request(name, fate) != nil else {
          throw ChatError.userNotFound(name)
        }
      }
      if context.arguments.isOn("wait") { try await waitUntilErased(writer) }
    }
    try await report(name, fate)
  }

  private func report(_ name: String, _ fate: MessageFate) async throws {
    let erasure = fate == .keep ? nil : try await backends.erasures.erasure(of: name)
    guard context.isJSON else {
      guard let erasure else { return context.print("\(name) deleted") }
      let state = erasure.isFinished ? "\(erasure.messages) messages" : "the servers go on with the messages"
      return context.print("\(name) deleted; \(erasure.fate.name): \(state)")
    }
    var writer = JSONWriter()
    writer.object {
      $0.member("name", name)
      guard let erasure else { return }
      $0.key("erasure")
      $0.object { RoomReplies.erasure(erasure, in: &$0) }
    }
    context.print(writer.string)
  }

  func sweep() async throws {
    let count = try await backends.erasures.repeatAll()
    if context.arguments.isOn("wait") { try await backends.withWriter(waitUntilErased) }
    context.print(context.isJSON ? #"{"users":\#(count)}"# : "\(count) users to look for once more")
  }

  private func waitUntilErased(_ writer: JournalWriter) async throws {
    let worker = ErasureWorker(
      ledger: backends.erasures, traces: backends.traces, writer: writer, metrics: backends.metrics, log: backends.log)
    try await worker.runUntilFinished()
  }
}
