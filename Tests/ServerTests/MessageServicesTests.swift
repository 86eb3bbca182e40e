import ChatRooms
import Testing

@testable import HistoryIndex
@testable import server

@Suite struct HistoryPagesTests {
  private func page(
    _ history: FakeHistory, before: Int64? = nil, after: Int64? = nil, around: Int64? = nil, limit: Int64? = nil
  ) async throws -> HistoryPage {
    let query = try HistoryQuery(before: before, after: after, around: around, limit: limit)
    return try await HistoryPages(journal: history, history: history).page(of: room(1), query)
  }

  @Test func givesTheNewestFirst() async throws {
    let page = try await page(FakeHistory(count: 120))
    #expect(page.messages.map(\.seq) == Array(71...120))
    #expect(page.hasMoreBefore && !page.hasMoreAfter && page.epoch == "k1")
  }

  @Test func excludesTheAnchors() async throws {
    let history = FakeHistory(count: 20)
    let before = try await page(history, before: 11, limit: 5)
    #expect(before.messages.map(\.seq) == [6, 7, 8, 9, 10])
    #expect(before.hasMoreBefore && before.hasMoreAfter)
    let after = try await page(history, after: 15, limit: 5)
    #expect(after.messages.map(\.seq) == [16, 17, 18, 19, 20])
    #expect(after.hasMoreBefore && !after.hasMoreAfter)
  }

  @Test(arguments: [
    (10, [8, 9, 10, 11, 12], true, true), (1, [1, 2, 3, 4, 5], false, true), (20, [16, 17, 18, 19, 20], true, false),
    (99, [16, 17, 18, 19, 20], true, false), (0, [1, 2, 3, 4, 5], false, true),
  ])
  func putsAMessageInTheMiddle(around: Int64, seqs: [Int64], before: Bool, after: Bool) async throws {
    let page = try await page(FakeHistory(count: 20), around: around, limit: 5)
    #expect(page.messages.map(\.seq) == seqs)
    #expect(page.hasMoreBefore == before && page.hasMoreAfter == after)
  }

  @Test func fillsAPageOverDeletedMessages() async throws {
    let history = FakeHistory(count: 5_000, deleted: Set(11...4_990))
    let page = try await page(history, limit: 20)
    #expect(page.messages.map(\.seq) == Array(1...10) + Array(4_991...5_000))
    #expect(!page.hasMoreBefore)
    #expect(history.reads < 15)
    let forward = try await self.page(history, after: 9, limit: 2)
    #expect(forward.messages.map(\.seq) == [10, 4_991])
    #expect(forward.hasMoreAfter)
  }

  @Test func copesWithEmptyRoomsAndExtremeAnchors() async throws {
    #expect(try await page(FakeHistory(count: 0)).messages.isEmpty)
    let history = FakeHistory(count: 3)
    #expect(try await page(history, before: .max).messages.count == 3)
    #expect(try await page(history, after: .max).messages.isEmpty)
    #expect(try await page(history, around: .max).messages.count == 3)
    #expect(try await page(history, before: 0).messages.isEmpty)
  }

  @Test func refusesWhatMakesNoSense() {
    #expect(throws: ChatError.self) { try HistoryQuery(before: 1, after: 1, around: nil, limit: nil) }
    #expect(throws: ChatError.self) { try HistoryQuery(before: -1, after: nil, around: nil, limit: nil) }
    #expect(throws: ChatError.self) { try HistoryQuery(before: nil, after: nil, around: nil, limit: 0) }
    #expect(throws: ChatError.self) { try HistoryQuery(before: nil, after: nil, around: nil, limit: .max) }
  }
}

/// Commits edits and deletions at once.
private struct CommittingWriter: EventWriter {
  var refusal: ChatError?

  func submit(_ submission: Submission, completion: @escaping JournalWriter.Completion) {
    if let refusal { return completion(.failure(refusal)) }
    switch submission.action {
    case .edit(var base, let text):
      (base.text, base.revised) = (text, 50)
      completion(.success(.init(event: event(base, kind: .edit), isDuplicate: false)))
    case .delete(var base):
      (base.text, base.isDeleted, base.revised) = ("", true, 51)
      completion(.success(.init(event: event(base, kind: .deletion), isDuplicate: false)))
    default: completion(.failure(.unavailable("Fake")))
    }
  }
}

@Suite struct MessageCommandsTests {
  private func commands(
    _ history: FakeHistory = FakeHistory(count: 3, deleted: [3]), owners: Set<UserID> = [], refusal: ChatError? = nil
  ) -> MessageCommands {
    MessageCommands(rooms: FakeRooms(owners: owners), history: history, writer: CommittingWriter(refusal: refusal))
  }

  private func actor(_ user: User, isAdmin: Bool = false) -> MessageCommands.Actor {
    MessageCommands.Actor(user: user, isAdmin: isAdmin)
  }

  @Test func letsAuthorsOwnersAndAdminsChange() async throws {
    let edited = try await commands().edit(1, in: room(1), text: "new", by: actor(anna), ref: nil)
    #expect(edited.message.text == "new" && edited.event == 50)
    _ = try await commands(owners: [2]).delete(1, in: room(1), by: actor(bob), ref: nil)
    _ = try await commands().delete(1, in: room(1), by: actor(bob, isAdmin: true), ref: nil)
    await #expect(
      throws: ChatError.forbidden("Only its author, an owner of the room or an admin may change a message.")
    ) {
      try await commands().edit(1, in: room(1), text: "new", by: actor(bob), ref: nil)
    }
  }

  @Test func treatsADeletedMessageAsGoneForEditsAndDoneForDeletions() async throws {
    await #expect(throws: ChatError.messageNotFound(1, 3)) {
      try await commands().edit(3, in: room(1), text: "new", by: actor(anna), ref: nil)
    }
    let again = try await commands().delete(3, in: room(1), by: actor(anna), ref: nil)
    #expect(again.isDuplicate && again.message.isDeleted)
    await #expect(throws: ChatError.messageNotFound(1, 9)) {
      try await commands().delete(9, in: room(1), by: actor(anna), ref: nil)
    }
  }

  @Test func succeedsWhereAnotherDeletionCameFirst() async throws {
    let history = FakeHistory(count: 3)
    let writer = RacingWriter(history: history)
    let commands = MessageCommands(rooms: FakeRooms(), history: history, writer: writer)
    #expect(try await commands.delete(2, in: room(1), by: actor(anna), ref: nil).isDuplicate)
  }

  /// Another's deletion is committed just before.
  private struct RacingWriter: EventWriter {
    var history: FakeHistory

    func submit(_ submission: Submission, completion: @escaping JournalWriter.Completion) {
      var tombstone = message(2)
      tombstone.isDeleted = true
      history.replace(tombstone)
      completion(.failure(.messageNotFound(1, 2)))
    }
  }
}

@Suite struct PresenceNotifierTests {
  @Test func tellsOfUsersNotOfConnections() async {
    let (presence, bus, hub) = (FakePresence(), FakeBus(), NoticeRecorder())
    let notifier = PresenceNotifier(presence: presence, bus: bus, joiner: hub)
    for _ in 0..<2 {
      presence.enterNow(room: 1, user: "anna")
      notifier.entered(1, user: "anna")
    }
    await notifier.flush()
    notifier.left(1, user: "anna")
    await notifier.flush()
    presence.enterNow(room: 1, user: "bert")
    notifier.entered(1, user: "bert")
    notifier.left(1, user: "anna")
    await notifier.flush()
    #expect(
      hub.notices == [
        #"{"type":"presence","room":1,"joined":["anna"],"left":[],"present":1}"#,
        #"{"type":"presence","room":1,"joined":["bert"],"left":["anna"],"present":1}"#,
      ])
    #expect(
      bus.published == [
        .presence(room: 1, user: "anna", isPresent: true), .presence(room: 1, user: "bert", isPresent: true),
        .presence(room: 1, user: "anna", isPresent: false),
      ])
  }

  @Test func saysNothingOfWhoIsStillConnectedElsewhere() async {
    let (presence, hub) = (FakePresence(), NoticeRecorder())
    let notifier = PresenceNotifier(presence: presence, bus: FakeBus(), joiner: hub)
    presence.enterNow(room: 1, user: "anna")
    notifier.entered(1, user: "bert")
    notifier.receive(.presence(room: 1, user: "anna", isPresent: false))
    await notifier.flush()
    #expect(hub.notices.isEmpty)
  }

  @Test func roomsThatNobodyHasHereAreNotLookedAt() async {
    let (presence, hub) = (FakePresence(), NoticeRecorder())
    let notifier = PresenceNotifier(presence: presence, bus: FakeBus(), joiner: hub)
    presence.enterNow(room: 1, user: "anna")
    notifier.receive(.presence(room: 1, user: "anna", isPresent: true))
    notifier.entered(2, user: "bert")
    notifier.left(2, user: "bert")
    await notifier.flush()
    #expect(presence.reads == 0 && hub.notices.isEmpty)
    notifier.entered(1, user: "bert")
    notifier.receive(.presence(room: 1, user: "anna", isPresent: true))
    await notifier.flush()
    #expect(presence.reads == 1 && hub.notices.count == 1)
  }

  private final class NoticeRecorder: RoomJoiner, @unchecked Sendable {
    private(set) var notices: [String] = []

    func attach(_ loop: any DeliveryLoop) -> Int { 0 }
    func join(_ request: JoinRequest, loop: Int) {}
    func leave(_ subscription: SubscriptionID, room: RoomID, loop: Int) {}
    func notice(_ frame: WebSocketFrame, in room: RoomID, except user: String?) {
      notices.append(String(decoding: frame.bytes.drop { $0 != UInt8(ascii: "{") }, as: UTF8.self))
    }
  }
}
