import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

@Suite(.timeLimit(.minutes(1))) struct SQLiteVerifierTests {
  private let profile: EmbeddedProfile
  private let john: User
  private let room: Room

  init() async throws {
    profile = try await EmbeddedProfile()
    john = try await profile.user("John")
    room = try await profile.room("tea", by: john)
    try profile.send((1...20).map { "message number \($0), 你好 @ann" }, to: room, by: john)
    let messages = try await profile.journal.messages(in: room.id, seqs: [3, 4])
    try profile.commit([
      Submission(room: room, action: .edit(base: messages[0], text: "changed"), actor: john, ref: nil),
      Submission(room: room, action: .delete(base: messages[1]), actor: john, ref: nil),
      Submission(room: room, action: .remove(user: john), actor: john, ref: nil),
    ])
  }

  private func verify(repairing: Bool = false) async throws -> [Finding] {
    var findings: [Finding] = []
    let summary = try await SQLiteVerifier(database: profile.database, isRepairing: repairing).run(only: nil) {
      if case .finding(let finding) = $0 { findings.append(finding) }
    }
    #expect(summary.problems == findings.count)
    return findings
  }

  @Test func whatIsInOrderGivesNoFinding() async throws {
    // Words that begin with a mark.
    try profile.send(["sara i (\u{25CC}\u{0E34})", "ก\u{0E47}\u{0E47}"], to: room, by: john)
    #expect(try await verify() == [])
  }

  @Test func countersThatAreBehindAreRaised() async throws {
    try await profile.database.execute("UPDATE room_positions SET last_seq = 18, last_event = 19")
    #expect(try await verify().map(\.kind).contains(.counters))
    let repaired = try await verify(repairing: true)
    #expect(repaired.allSatisfy { $0.repair == .done } && !repaired.isEmpty, "\(repaired)")
    #expect(try await verify() == [])
    try profile.send(["on it goes"], to: room, by: john)
    #expect(try await profile.journal.position(of: room.id)?.lastSeq == 21)
  }

  @Test func messagesThatAreGoneAreSaid() async throws {
    try await profile.database.execute("DELETE FROM messages WHERE seq BETWEEN 6 AND 8 OR seq = 20")
    let findings = try await verify(repairing: true)
    #expect(findings.filter { $0.kind == .missing }.map(\.numbers) == [6...8, 20...20], "\(findings)")
    // Their words are still there; those are made anew.
    #expect(findings.filter { $0.kind == .words }.map(\.repair) == [.done])
  }

  @Test func changesThatAreNotWrittenDownAreSaid() async throws {
    try await profile.database.execute("DELETE FROM room_changes WHERE seq = 3")
    let findings = try await verify()
    #expect(findings.contains { $0.kind == .changes && $0.numbers == 1...21 }, "\(findings)")
    #expect(findings.contains { $0.kind == .different && $0.numbers == 3...3 }, "\(findings)")
  }

  @Test(arguments: [
    "UPDATE messages SET text = 'other words' WHERE seq = 5",
    "INSERT INTO message_words (message_words) VALUES ('delete-all')",
    "INSERT INTO message_words (rowid, text, tags) VALUES (1, 'nobody said this', 'x')",
  ])
  func wordsThatDoNotFitAreMadeAnew(damage: String) async throws {
    try await profile.database.execute(damage)
    #expect(try await verify().map(\.kind) == [.words])
    #expect(try await verify(repairing: true).map(\.repair) == [.done])
    #expect(try await verify() == [])
    #expect(try await profile.find("number").count == (damage.hasPrefix("UPDATE") ? 17 : 18))
  }

  @Test func aFileThatBreaksItsOwnRulesIsSaid() async throws {
    try await profile.database.withConnection { connection in
      try connection.execute("PRAGMA ignore_check_constraints = ON")
      try connection.execute("UPDATE messages SET sent_at = 5 WHERE seq = 2")
      try connection.execute("PRAGMA ignore_check_constraints = OFF")
    }
    let findings = try await verify(repairing: true)
    #expect(findings.map(\.kind) == [.storage], "\(findings)")
    guard case .impossible? = findings.first?.repair else {
      Issue.record("\(findings)")
      return
    }
  }
}
