import ChatRooms
import HistoryIndex

/// A room to look at: people who talk about what Palaver does, written for it.
struct DemoRoom {
  var rooms: any RoomStore
  var writer: JournalWriter

  static let name = "welcome"

  /// Makes the room where there is none at all yet.
  func makeIfEmpty() async throws {
    guard try await rooms.roomIDs(RoomFilter(reader: nil, isAdmin: true, limit: 1)).isEmpty else { return }
    var users: [String: User] = [:]
    for name in Set(DemoScript.lines.map(\.user)) { users[name] = try await rooms.ensureUser(name: name) }
    let new = NewRoom(name: Self.name, topic: "What Palaver does, told by those who use it")
    let room = try await rooms.createRoom(new, by: users[DemoScript.host]).room
    var sent: [Message] = []
    for (index, line) in DemoScript.lines.enumerated() {
      guard let user = users[line.user] else { continue }
      let replyTo = line.replyTo.flatMap { sent.indices.contains($0) ? sent[$0].seq : nil }
      let action = Submission.Action.send(text: line.text, data: nil, replyTo: replyTo)
      sent.append(
        try await writer.submit(Submission(room: room, action: action, actor: user, ref: "demo-\(index)")).event.message
      )
    }
    try await edit(sent, room, users)
  }

  /// So that one sees how an edited message looks.
  private func edit(_ sent: [Message], _ room: Room, _ users: [String: User]) async throws {
    guard let index = DemoScript.lines.firstIndex(where: { $0.corrected != nil }),
      let text = DemoScript.lines[index].corrected, let user = users[DemoScript.lines[index].user]
    else { return }
    _ = try await writer.submit(
      Submission(room: room, action: .edit(base: sent[index], text: text), actor: user, ref: "demo-edit"))
  }
}
