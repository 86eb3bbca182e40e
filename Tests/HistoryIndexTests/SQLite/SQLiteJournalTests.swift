import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct SQLiteJournalTests {
  private let profile: EmbeddedProfile
  private let john: User
  private let jane: User
  private let room: Room

  init() async throws {
    profile = try await EmbeddedProfile()
    john = try await profile.user("John")
    jane = try await profile.user("Jane")
    room = try await profile.room("tea", by: john)
  }

  private func edit(_ base: Message, _ text: String) -> Submission {
    Submission(room: room, action: .edit(base: base, text: text), actor: john, ref: nil)
  }

  private func delete(_ base: Message) -> Submission {
    Submission(room: room, action: .delete(base: base), actor: john, ref: nil)
  }

  private func message(_ seq: Int64) async throws -> Message? {
    try await profile.journal.messages(in: room.id, seqs: [seq]).first
  }

  @Test func aMessageIsStoredAsItWasSent() async throws {
    try profile.send(["a question"], to: room, by: jane)
    let submission = Submission(
      room: room, action: .send(text: "a\u{0}é😀", data: #"{"a":1}"#, replyTo: 1), actor: john, ref: "r1")
    let sent = try profile.commit([submission])[0].event
    #expect(sent?.position == 2 && sent?.event == 2 && sent?.message.seq == 2 && sent?.lastSeq == 2)
    #expect(try await message(2) == sent?.message)
    #expect(try await profile.history.messages(in: room, seqs: 2...2) == [sent?.message])
    let position = try await profile.journal.position(of: room.id)
    #expect(position?.lastEvent == 2 && position?.lastSeq == 2 && position?.lastMessageAt == sent?.timestamp)
    #expect(try await profile.journal.heads() == [LaneHead(lane: 0, head: 2, indexed: 2)])
    #expect(try await profile.store.summary(of: room.id, reader: john.id)?.unread == 2)
  }

  @Test func aMintedRefIsNotSeen() async throws {
    try profile.send(["a"], to: room, by: john)
    #expect(try await message(1)?.ref == nil)
  }

  @Test func theSameRefIsStoredOnce() async throws {
    func send(_ text: String, _ ref: String, _ user: User) throws -> Outcome {
      try profile.commit([.sending(text, to: room, by: user, ref: ref)])[0]
    }
    let first = try send("a", "c1", john)
    let again = try send("a", "c1", john)
    #expect(first.isDuplicate == false && again.isDuplicate == true && again.event?.message == first.event?.message)
    #expect(try send("b", "c1", john).error?.word == "ref_conflict")
    #expect(try send("b", "C1", john).event?.message.seq == 2)
    #expect(try send("b", "c1 ", john).event?.message.seq == 3)
    #expect(try send("b", "c1", jane).event?.message.seq == 4)
    let base = try #require(first.event?.message)
    try profile.commit([edit(base, "changed")])
    let edited = try send("a", "c1", john)
    #expect(edited.isDuplicate == true && edited.event?.message.text == "changed")
    // What counts is the text that the ref was first used for, also when the message has this one by now.
    for text in ["b", "changed"] { #expect(try send(text, "c1", john).error?.word == "ref_conflict") }
    try profile.commit([edit(base, "changed again"), delete(base)])
    #expect(try send("a", "c1", john).isDuplicate == true)
    for text in ["b", ""] { #expect(try send(text, "c1", john).error?.word == "ref_conflict") }
    #expect(try await message(1)?.isDeleted == true)
  }

  @Test func aBatchCommittedAgainStoresNothing() async throws {
    let batch = (0..<20).map { Submission.sending("text \($0)", to: room, by: john) }
    let first = try profile.commit(batch)
    let again = try profile.commit(batch)
    #expect(again.map { $0.event?.message } == first.map { $0.event?.message })
    #expect(!again.map(\.isDuplicate).contains(false))
    #expect(try await profile.journal.position(of: room.id)?.lastSeq == 20)
  }

  @Test func anEditAndADeletionAreEventsAndLeaveTheirState() async throws {
    let messages = try profile.send(["first", "second"], to: room, by: john)
    let edited = try profile.commit([edit(messages[0], "changed")])[0].event
    #expect(edited?.event == 3 && edited?.message.revised == 3 && edited?.message.event == 1)
    #expect(try await message(1) == edited?.message)
    let deleted = try profile.commit([delete(messages[1])])[0].event
    #expect(deleted?.event == 4 && deleted?.message.isDeleted == true)
    let tombstone = try await message(2)
    #expect(tombstone?.isDeleted == true && tombstone?.text == "" && tombstone?.revised == 4)
    #expect(try profile.commit([edit(messages[1], "late")])[0].error?.word == "message_not_found")
    let twice = try profile.commit([delete(messages[1])])[0]
    #expect(twice.isDuplicate == true && twice.event?.event == 4)
    #expect(
      try await profile.journal.changes(in: room.id, after: 0, limit: 10) == [
        RoomChange(event: 3, seq: 1, kind: .edit, lastSeq: 2),
        RoomChange(event: 4, seq: 2, kind: .deletion, lastSeq: 2),
      ])
    #expect(try await profile.journal.changes(in: room.id, after: 3, limit: 10).map(\.event) == [4])
  }

  @Test func deletedTextIsNowhereInTheFile() async throws {
    let secret = "xyzzysecret"
    let messages = try profile.send([secret], to: room, by: john)
    try profile.commit([delete(messages[0])])
    #expect(try await profile.find(secret).isEmpty)
    #expect(try await profile.database.query("SELECT text, data FROM messages").map(\.values) == [["", .null]])
  }

  @Test func aRemovalEndsTheMembership() async throws {
    try await profile.store.addMember(jane, to: room.id, role: .member)
    let removal = Submission(room: room, action: .remove(user: jane), actor: john, ref: nil)
    let event = try profile.commit([removal])[0].event
    #expect(event?.kind == .removal && event?.event == 1 && event?.message.seq == 0 && event?.message.user == "Jane")
    #expect(try await profile.store.membership(room: room.id, user: jane.id) == nil)
    #expect(try profile.commit([removal])[0].error?.word == "member_not_found")
    #expect(try await profile.journal.changes(in: room.id, after: 0, limit: 9).map(\.kind) == [.removal])
  }

  @Test func aClosedRoomIsGoneAndTakesNothing() async throws {
    let messages = try profile.send(["a"], to: room, by: john)
    let closure = Submission(room: room, action: .close, actor: john, ref: nil)
    #expect(try profile.commit([closure])[0].event?.kind == .closure)
    #expect(try await profile.store.room(room.id) == nil)
    #expect(try profile.commit([.sending("b", to: room, by: john)])[0].error?.word == "room_not_found")
    #expect(try profile.commit([edit(messages[0], "b")])[0].error?.word == "room_not_found")
    #expect(try await profile.journal.position(of: room.id)?.lastEvent == 2)
    #expect(try await profile.find("a").isEmpty)
    _ = try await profile.room("tea")
  }

  @Test func aRoomThatIsImportedIsPutOff() async throws {
    try await profile.database.execute("UPDATE room_positions SET import_id = 1")
    #expect(try profile.commit([.sending("b", to: room, by: john)])[0].error?.word == "room_importing")
  }

  @Test func anErrorLeavesNothingOfTheBatch() async throws {
    let unknown = Message(
      room: room.id, seq: 99, event: 99, revised: 99, user: "John", userID: 1, text: "", timestamp: 0)
    #expect(throws: SQLError.self) {
      try profile.commit([.sending("a", to: room, by: john), edit(unknown, "b")])
    }
    #expect(try await profile.journal.heads()[0].head == 0)
    #expect(try await profile.find("a").isEmpty)
    try profile.send(["a"], to: room, by: john)
    #expect(try await profile.find("a") == ["a"])
  }

  @Test func historyIsNeverGivenWithAHole() async throws {
    try profile.send((1...10).map { "\($0)" }, to: room, by: john)
    #expect(try await profile.history.messages(in: room, seqs: 3...7).map(\.seq) == [3, 4, 5, 6, 7])
    #expect(try await profile.history.messages(in: room, seqs: [9, 2, 99, 2]).map(\.seq) == [2, 9])
    await #expect(throws: ChatError.self) { try await profile.history.messages(in: room, seqs: 9...11) }
  }

  @Test func writersOfOtherConnectionsGoOnMeanwhile() async throws {
    let other = try SQLiteConnection(path: profile.database.path)
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (store, profile, room, john) = (profile.store, profile, room, john)
      group.addTask { for number in 0..<50 { _ = try await store.ensureUser(name: "user \(number)") } }
      group.addTask { for number in 0..<50 { try profile.send(["\(number)"], to: room, by: john) } }
      try await group.waitForAll()
    }
    _ = try other.transaction { try other.execute("DELETE FROM users WHERE name = 'user 1'", []) }
    #expect(try await profile.journal.position(of: room.id)?.lastSeq == 50)
  }

  @Test func theClockNeverGoesBack() {
    let time = TestTime(1_000)
    let clock = CommitClock { time.value }
    let first = clock.begin()
    #expect(clock.settled() == 999)
    time.value = 500
    #expect(clock.begin() == 1_000)
    clock.end(first)
    #expect(clock.settled() == 999)
    clock.end(first)
    time.value = 2_000
    #expect(clock.settled() == 1_999)
    time.value = 1_500
    #expect(clock.begin() == 2_000)
  }
}

final class TestTime: @unchecked Sendable {
  private let lock = NSLock()
  private var time: Milliseconds

  init(_ time: Milliseconds) { self.time = time }

  var value: Milliseconds {
    get { lock.withLock { time } }
    set { lock.withLock { time = newValue } }
  }
}
