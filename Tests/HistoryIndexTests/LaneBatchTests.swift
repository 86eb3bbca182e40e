import ChatRooms
import Testing

@testable import HistoryIndex

@Suite struct LaneBatchTests {
  private let user = User(id: 1, name: "u", displayName: nil, createdAt: 0)
  private let room = RoomModel.room

  private func send(_ text: String, ref: String? = nil, room: Room? = nil) -> Submission {
    Submission(room: room ?? self.room, action: .send(text: text, data: nil, replyTo: nil), actor: user, ref: ref)
  }

  private func submission(_ action: Submission.Action) -> Submission {
    Submission(room: room, action: action, actor: user, ref: nil)
  }

  private func state(event: Int64 = 0, seq: Int64 = 0, isClosed: Bool = false, isImporting: Bool = false)
    -> LaneBatch.RoomState
  {
    .init(lastEvent: event, lastSeq: seq, lastMessageAt: nil, isClosed: isClosed, isImporting: isImporting)
  }

  private func context(
    _ state: LaneBatch.RoomState? = nil, refs: [LaneBatch.RefKey: RoomEvent] = [:],
    changes: [LaneBatch.MessageKey: RoomChange] = [:], members: Set<LaneBatch.MemberKey> = []
  ) -> LaneBatch.Context {
    .init(heads: [0: 10], rooms: [room.id: state ?? self.state()], refs: refs, changes: changes, members: members)
  }

  private func events(_ resolution: LaneBatch.Resolution) -> [RoomEvent?] {
    resolution.outcomes.map { if case .committed(let event, _) = $0 { event } else { nil } }
  }

  private func error(_ outcome: Outcome) -> String? {
    if case .refused(let error) = outcome { error.word } else { nil }
  }

  @Test func numbersAreDenseInTheBatchsOrder() {
    let base = Message(
      room: room.id, seq: 3, event: 4, revised: 4, user: "u", userID: 1, text: "old", timestamp: 1, ref: "r")
    let batch = LaneBatch([
      send("a"), submission(.edit(base: base, text: "new")), send("b"), submission(.delete(base: base)), send("c"),
    ])
    let resolution = batch.resolve(context(state(event: 7, seq: 5)), now: 99)
    let events = events(resolution)
    #expect(events.map { $0?.position } == [11, 12, 13, 14, 15])
    #expect(events.map { $0?.event } == [8, 9, 10, 11, 12])
    #expect(events.map { $0?.message.seq } == [6, 3, 7, 3, 8])
    #expect(events.map { $0?.lastSeq } == [6, 6, 7, 7, 8])
    #expect(events[1]?.message.text == "new" && events[1]?.message.editedAt == 99 && events[1]?.message.ref == "r")
    #expect(events[3]?.message.isDeleted == true && events[3]?.message.text == "")
    #expect(resolution.heads == [0: 15])
    #expect(resolution.rooms[room.id]?.lastEvent == 12 && resolution.rooms[room.id]?.lastSeq == 8)
    #expect(resolution.changes.map(\.change.lastSeq) == [6, 7])
  }

  @Test func aRefIsStoredOnceAlsoWithinABatch() {
    let batch = LaneBatch([send("a", ref: "r"), send("a", ref: "r"), send("b", ref: "r"), send("a", ref: "R")])
    let resolution = batch.resolve(context(), now: 1)
    #expect(resolution.events.map(\.message.seq) == [1, 2])
    #expect(error(resolution.outcomes[2]) == "ref_conflict")
    guard case .committed(_, duplicate: true) = resolution.outcomes[1] else {
      Issue.record("not recognised as a duplicate")
      return
    }
  }

  @Test func anEditNeverResurrectsADeletion() {
    let base = Message(room: room.id, seq: 1, event: 1, revised: 1, user: "u", userID: 1, text: "x", timestamp: 1)
    let key = LaneBatch.MessageKey(room: room.id, seq: 1)
    let deletion = RoomChange(event: 2, seq: 1, kind: .deletion, lastSeq: 1)
    let batch = LaneBatch([submission(.edit(base: base, text: "y")), submission(.delete(base: base))])
    let resolution = batch.resolve(context(state(event: 2, seq: 1), changes: [key: deletion]), now: 1)
    #expect(error(resolution.outcomes[0]) == "message_not_found")
    #expect(events(resolution)[1]?.event == 2, "deleting twice is the same deletion")
    #expect(resolution.events.isEmpty)
    let both = LaneBatch([submission(.delete(base: base)), submission(.edit(base: base, text: "y"))])
    #expect(error(both.resolve(context(state(event: 1, seq: 1)), now: 1).outcomes[1]) == "message_not_found")
  }

  @Test func closedAndImportingRoomsAndBusyLanesTakeNothing() {
    let batch = LaneBatch([send("a")])
    #expect(error(batch.resolve(context(state(isClosed: true)), now: 1).outcomes[0]) == "room_not_found")
    #expect(error(batch.resolve(context(state(isImporting: true)), now: 1).outcomes[0]) == "room_importing")
    var busy = context()
    busy.heads = [:]
    guard case .busy = batch.resolve(busy, now: 1).outcomes[0] else {
      Issue.record("not busy")
      return
    }
  }

  @Test func aMemberIsRemovedOnceAndARoomClosesAfterItsLastEvent() {
    let member = LaneBatch.MemberKey(room: room.id, user: 1)
    let batch = LaneBatch([
      submission(.remove(user: user)), submission(.remove(user: user)), submission(.close), send("late"),
    ])
    let resolution = batch.resolve(context(members: [member]), now: 1)
    #expect(resolution.removals == [member])
    #expect(error(resolution.outcomes[1]) == "member_not_found")
    #expect(resolution.closures == [room.id])
    #expect(error(resolution.outcomes[3]) == "room_not_found")
    #expect(resolution.events.map(\.kind) == [.removal, .closure])
    #expect(resolution.rooms[room.id]?.isClosed == true)
  }

  @Test func mintedRefsAreStoredAndNotShown() {
    let resolution = LaneBatch([send("a"), send("b", ref: "~mine")]).resolve(context(), now: 1)
    #expect(resolution.events.map(\.message.ref) == [nil, "~mine"])
    #expect(Submission.visibleRef(resolution.refs[0]) == nil && resolution.refs[0] != nil)
    #expect(Submission.visibleRef("~mine") == "~mine")
  }
}
