import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite(.timeLimit(.minutes(2))) struct ExportRoundTripTests {
  @Test func anInstallationComesBackAsItWas() async throws {
    let town = try await ExportedTown().profile
    let first = try await town.export()
    let other = try await EmbeddedProfile()
    let summary = try await other.importing(first)
    #expect(summary.skipped == 0, "the catalogue's lines were not imported before")
    #expect(summary.rejected == 0)
    #expect(summary.imported == 2_345 + 30 + 3)
    let second = try await other.export()
    #expect(first.dropFirst() == second.dropFirst(), "all but the header, ids too")
    #expect(!first.joined().contains("left out"), "a deleted room's messages")

    var findings: [Finding] = []
    _ = try await SQLiteVerifier(database: other.database, isRepairing: false).run(only: nil) {
      if case .finding(let finding) = $0 { findings.append(finding) }
    }
    #expect(findings == [])
    // The name of a deleted user stays taken, and the messages are still that user's.
    await #expect(throws: ChatError.self) { try await other.store.ensureUser(name: "who left") }
    let authors = "SELECT DISTINCT user_id, user_name FROM messages WHERE room_id = 1 ORDER BY 1"
    #expect(try await other.database.query(authors) == (try await town.database.query(authors)))
  }

  @Test func whatWasImportedIsFoundAndGoesOn() async throws {
    let town = try await EmbeddedProfile()
    let john = try await town.user("John")
    let room = try await town.room("tea", by: john)
    let messages = try town.send(["oolong", "sencha", "assam"], to: room, by: john)
    try town.commit([
      Submission(room: room, action: .edit(base: messages[0], text: "darjeeling"), actor: john, ref: nil),
      Submission(room: room, action: .delete(base: messages[1]), actor: john, ref: nil),
    ])
    let other = try await EmbeddedProfile()
    _ = try await other.importing(try await town.export())
    #expect(try await other.find("darjeeling has:edit") == ["darjeeling"])
    #expect(try await other.find("sencha") == [])
    let again = try #require(try await other.store.room(named: "tea"))
    let next = try other.send(["keemun"], to: again, by: try await other.user("John"))
    #expect(next.map(\.seq) == [4])
    let member = try await other.store.membership(room: again.id, user: try await other.user("John").id)
    #expect(member?.role == .owner)
  }

  @Test func intoRoomsOfOthersItComesUnderAPrefixOrNotAtAll() async throws {
    let town = try await ExportedTown(messages: 20).profile
    let lines = try await town.export()
    let other = try await EmbeddedProfile()
    let square = try await other.room("square", by: try await other.user("mayor"))
    try other.send(["theirs"], to: square, by: try await other.user("John"))
    let before = try await tables(of: other)
    let path = town.folder.file("town.ndjson")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    await #expect {
      try await other.importing(path: path)
    } throws: { error in
      "\(error)".contains("'square'") && "\(error)".contains("--room-prefix")
    }
    #expect(try await tables(of: other) == before, "nothing was written")

    _ = try await other.importing(path: path, prefix: "old/")
    let room = try #require(try await other.store.room(named: "old/square"))
    #expect(try await other.history.messages(in: square, seqs: 1...1).map(\.text) == ["theirs"])
    let (theirs, ours) = (try await other.export(only: [room.id]), try await town.export(only: [1]))
    #expect(theirs.count(where: { $0.hasPrefix(#"{"room""#) }) == 20)
    // But for the numbers of rooms and users.
    func texts(_ lines: [String]) -> [String] {
      lines.filter { $0.hasPrefix(#"{"room""#) }.map { $0.replacing(/^\{"room":\d+/, with: "") }
    }
    #expect(texts(theirs) == texts(ours))
  }

  private func tables(of profile: EmbeddedProfile) async throws -> [Int64] {
    var counts: [Int64] = []
    for table in ["users", "rooms", "members", "messages", "imports", "room_changes"] {
      counts.append(try await profile.count(table))
    }
    return counts
  }

  @Test func oneRoomComesWithItsMembersAndAuthors() async throws {
    let town = try await ExportedTown(messages: 40).profile
    let stranger = try await town.user("stranger")
    let lines = try await town.export(only: [1])
    #expect(lines.count(where: { $0.hasPrefix(#"{"type":"room""#) }) == 1)
    #expect(lines.contains { $0.contains(#""name":"who left""#) }, "an author who is no member any more")
    #expect(!lines.contains { $0.contains(stranger.name) })
    let other = try await EmbeddedProfile()
    _ = try await other.importing(lines)
    #expect(try await other.count("messages WHERE user_id = 0") == 0)
    #expect(try await other.count("users") == 7)
  }

  @Test func anInstallationWithoutRoomsIsAnExportToo() async throws {
    let empty = try await EmbeddedProfile()
    _ = try await empty.user("John")
    let lines = try await empty.export()
    let other = try await EmbeddedProfile()
    _ = try await other.importing(lines)
    #expect(try await other.export().dropFirst() == lines.dropFirst())
    #expect(try await other.store.user(named: "John") != nil)
  }

  @Test func messagesOfUsersWhoVanishedStayTheirs() async throws {
    let town = try await EmbeddedProfile()
    let room = try await town.room("tea", by: try await town.user("John"))
    try town.send(["here"], to: room, by: try await town.user("Jane"))
    try await town.store.deleteAllUsers()
    let lines = try await town.export()
    let other = try await EmbeddedProfile()
    _ = try await other.importing(lines)
    #expect(try await other.export().dropFirst() == lines.dropFirst())
    // As it was: the name is free.
    #expect(try await other.store.createUser(name: "Jane", displayName: nil).name == "Jane")
  }
}
