import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// What the embedded profile keeps of a deleted user, down to the bytes of its file.
@Suite struct SQLiteErasureTests {
  private func carryOut(_ profile: EmbeddedProfile) async throws {
    let writer = JournalWriter(journal: profile.journal, writers: 1, metrics: Metrics(), log: .silent) { _ in }
    let worker = ErasureWorker(
      ledger: ErasureLedger(profile.database), traces: SQLiteTraces(profile.database), writer: writer,
      metrics: Metrics(), log: .silent)
    let result: Result<Void, any Error>
    do { result = .success(try await worker.runUntilFinished()) } catch { result = .failure(error) }
    await Blocking.run(writer.stop)
    try result.get()
  }

  private func count(_ profile: EmbeddedProfile, _ condition: String, _ user: User) async throws -> Int64? {
    try await profile.database.query("SELECT COUNT(*) FROM messages WHERE \(condition)", [.integer(user.id)])
      .first?.integer(0)
  }

  /// Terms of the index of words.
  private func terms(_ profile: EmbeddedProfile, like pattern: String) async throws -> [String] {
    try await profile.database.withConnection { connection in
      try connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'message_words', 'row')")
      return try connection.query("SELECT term FROM vocabulary WHERE term LIKE ?", [.text(pattern)])
        .compactMap { $0.text(0) }
    }
  }

  @Test func erasedTextsLeaveTablesWordsAndFile() async throws {
    let profile = try await EmbeddedProfile()
    let (ann, ben) = (try await profile.user("Ann"), try await profile.user("Ben"))
    let (room, closed) = (try await profile.room(), try await profile.room())
    let texts = (1...200).map { "unspeakable\($0) words" }
    let messages = try profile.send(texts, to: room, by: ann)
    try profile.send(["unspeakable in a room that goes"], to: closed, by: ann)
    try profile.send(["what Ben says"], to: room, by: ben)
    try profile.commit([
      Submission(
        room: room, action: .edit(base: messages[0], text: "unspeakable otherwise"), actor: ann,
        ref: "a ref of Ann's"),
      Submission(room: closed, action: .close, actor: ben, ref: nil),
    ])
    let told = try profile.commit([.sending("unspeakable once", to: room, by: ann, ref: "told")])[0].event?.message
    try profile.commit([
      Submission(room: room, action: .delete(base: try #require(told)), actor: ann, ref: nil)
    ])
    #expect(try await count(profile, "user_id = ? AND first_text IS NOT NULL", ann) == 1)
    try await profile.store.deleteUser(ann, messages: .erase)
    try await carryOut(profile)

    #expect(try await count(profile, "user_id = ? OR text LIKE '%unspeakable%'", ann) == 0)
    #expect(try await count(profile, "user_id <> ? AND first_text IS NOT NULL", ann) == 0, "no digest of it either")
    #expect(try await count(profile, "is_deleted = 1 AND user_id <> ?", ann) == 202)
    #expect(try await terms(profile, like: "unspeakable%").isEmpty)
    #expect(try await terms(profile, like: "says") == ["says"])
    #expect(try await profile.find("unspeakable*").isEmpty)
    #expect(try await profile.find("from:Ann").isEmpty)
    #expect(try await profile.find("ben says") == ["what Ben says"])
    #expect(try await profile.database.query("SELECT 1 FROM change_refs").isEmpty)
    for suffix in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: profile.database.path + suffix))
      #expect(bytes.range(of: Data("unspeakable".utf8)) == nil, "palaver.db\(suffix)")
    }
    let erasure = try await ErasureLedger(profile.database).erasure(of: "Ann")
    #expect(erasure?.isFinished == true && erasure?.messages == 202 && erasure?.fate == .erase)
  }

  /// Merges of the index free pages that nothing overwrites at the time.
  @Test func whatWasFreedBeforeIsOverwrittenToo() async throws {
    let profile = try await EmbeddedProfile()
    let (ann, ben) = (try await profile.user("Ann"), try await profile.user("Ben"))
    let room = try await profile.room()
    // What is freed last is used first: enough that nothing else overwrites what was freed before.
    try await profile.database.execute("CREATE TABLE ballast (bytes BLOB)")
    try await profile.database.execute("INSERT INTO ballast (bytes) VALUES (zeroblob(4000000))")
    for part in 0..<100 {
      try profile.send((0..<40).map { "said\(part * 40 + $0) by another" }, to: room, by: ben)
      try profile.send(["unspeakable\(part) words"], to: room, by: ann)
    }
    // What is in the file and not only in its log.
    try await profile.database.withConnection { _ = try $0.query("PRAGMA wal_checkpoint(TRUNCATE)", []) }
    try await profile.database.execute("INSERT INTO message_words (message_words) VALUES ('optimize')")
    try await profile.database.execute("DROP TABLE ballast")
    try await profile.store.deleteUser(ann, messages: .erase)
    try await carryOut(profile)
    for suffix in ["", "-wal"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: profile.database.path + suffix))
      #expect(bytes.range(of: Data("unspeakable".utf8)) == nil, "palaver.db\(suffix)")
    }
    #expect(try await profile.database.query("SELECT 1 FROM sqlite_master WHERE name = 'free_pages'").isEmpty)
  }

  @Test func anonymizedMessagesAreFoundByTheirWordsAlone() async throws {
    let profile = try await EmbeddedProfile()
    let ann = try await profile.user("Ann")
    let room = try await profile.room()
    let messages = try profile.send(["one thing", "another thing", "a third"], to: room, by: ann)
    try profile.commit([
      Submission(room: room, action: .delete(base: messages[2]), actor: ann, ref: nil)
    ])
    try await profile.store.deleteUser(ann, messages: .anonymize)
    try await carryOut(profile)

    #expect(try await count(profile, "user_id = ? OR user_name = 'Ann'", ann) == 0)
    #expect(try await profile.find("thing") == ["another thing", "one thing"])
    #expect(try await profile.find("from:Ann").isEmpty)
    let left = try await profile.history.messages(in: room, seqs: 1...3)
    #expect(left.map(\.user) == [DeletedUser.name, DeletedUser.name, DeletedUser.name])
    #expect(left.map(\.isDeleted) == [false, false, true] && left.allSatisfy { $0.editedAt == nil })
    let late = try profile.commit([.sending("late", to: room, by: ann)])
    #expect(late.first?.error?.word == "user_deleted")
  }

  /// As after a restore: what was done is looked for again, and found done.
  @Test func aSweepMayBeRepeated() async throws {
    let profile = try await EmbeddedProfile()
    let ann = try await profile.user("Ann")
    let room = try await profile.room()
    try profile.send(["one", "two"], to: room, by: ann)
    try await profile.store.deleteUser(ann, messages: .keep)
    let ledger = ErasureLedger(profile.database)
    #expect(try await ledger.request("Ann", .erase)?.isFinished == false)
    #expect(try await ledger.request("Bob", .erase) == nil)
    try await carryOut(profile)
    let position = try await profile.journal.position(of: room.id)
    #expect(try await ledger.repeatAll() == 1)
    try await carryOut(profile)
    #expect(try await profile.journal.position(of: room.id) == position)
    #expect(try await ledger.request("Ann", .anonymize)?.fate == .erase)
  }

  @Test func nobodyIsCalledAsTheDeletedAre() async throws {
    let profile = try await EmbeddedProfile()
    await #expect(throws: ChatError.self) { try await profile.user(DeletedUser.name) }
  }
}
