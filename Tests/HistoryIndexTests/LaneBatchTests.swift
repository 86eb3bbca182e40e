import ChatRooms
import Testing

@testable import HistoryIndex

@Suite struct LaneBatchTests {
  private let room = Room(
    id: 1, name: nil, topic: nil, kind: .public, lane: 3, routing: "1", createdAt: 0)
  private let john = User(id: 7, name: "John", displayName: nil, createdAt: 0)

  private func readings(lastEvent: Int64 = 0, lastSeq: Int64 = 0) -> LaneReadings {
    var readings = LaneReadings()
    readings.heads = [3: 100]
    readings.rooms = [1: RoomCounters(lastEvent: lastEvent, lastSeq: lastSeq)]
    return readings
  }

  private func send(_ text: String, ref: String? = nil, room other: Room? = nil) -> Submission {
    Submission(room: other ?? room, action: .send(text: text, data: nil, replyTo: nil), actor: john, ref: ref)
  }

  private func message(_ seq: Int64, event: Int64, revised: Int64? = nil, text: String = "old") -> Message {
    Message(
      room: 1, seq: seq, event: event, revised: revised ?? event, user: "Ann", userID: 9, text: text, timestamp: 50,
      ref: "r", data: "{}", replyTo: 1)
  }

  @Test func numbersAreDenseInTheLaneAndInEachRoom() {
    var other = room
    other.id = 2
    var readings = readings(lastEvent: 10, lastSeq: 8)
    readings.rooms[2] = RoomCounters(lastEvent: 0, lastSeq: 0)
    let batch = LaneBatch([send("a"), send("b", room: other), send("c")], readings, now: 1_000)
    #expect(batch.rows.map(\.event.position) == [101, 102, 103])
    #expect(batch.rows.map(\.event.event) == [11, 1, 12])
    #expect(batch.rows.map(\.event.message.seq) == [9, 1, 10])
    #expect(batch.rows.map(\.event.lastSeq) == [9, 1, 10])
    #expect(batch.heads == [3: 103])
    #expect(batch.rooms[1] == RoomCounters(lastEvent: 12, lastSeq: 10, lastMessageAt: 1_000))
    #expect(batch.previous[1]?.lastEvent == 10)
    #expect(batch.rows.allSatisfy { $0.event.timestamp == 1_000 && $0.event.message.timestamp == 1_000 })
  }

  @Test func whatBelongsToABusyLaneWaits() {
    var other = room
    (other.id, other.lane) = (2, 4)
    var readings = readings()
    readings.rooms[2] = RoomCounters(lastEvent: 0, lastSeq: 0)
    let batch = LaneBatch([send("a", room: other), send("b")], readings, now: 1)
    #expect(batch.outcomes[0].isBusy)
    #expect(batch.outcomes[1].event?.message.seq == 1)
    #expect(batch.rows.count == 1)
    #expect(batch.rooms[2] == nil)
  }

  @Test func aRefTwiceInOneBatchIsStoredOnce() {
    let batch = LaneBatch([send("a", ref: "x"), send("a", ref: "x"), send("b", ref: "x")], readings(), now: 1)
    #expect(batch.rows.count == 1)
    #expect(batch.outcomes[0].isDuplicate == false)
    #expect(batch.outcomes[1].isDuplicate == true)
    #expect(batch.outcomes[1].event == batch.outcomes[0].event)
    #expect(batch.outcomes[2].error?.word == "ref_conflict")
    #expect(batch.outcomes[2].error?.status == 409)
  }

  @Test func onlyWhatIsThereIsRepliedTo() {
    func reply(to seq: Int64) -> Submission {
      Submission(room: room, action: .send(text: "a", data: nil, replyTo: seq), actor: john, ref: nil)
    }
    let batch = LaneBatch(
      [reply(to: 0), reply(to: 4), reply(to: 3), reply(to: 4), reply(to: .max)], readings(lastEvent: 9, lastSeq: 3),
      now: 1)
    #expect(batch.rows.map(\.event.message.replyTo) == [3, 4], "one may be answered in the batch that brings it")
    #expect(batch.rows.map(\.event.message.seq) == [4, 5])
    for index in [0, 1, 4] {
      #expect(batch.outcomes[index].error?.word == "invalid_reply_to" && batch.outcomes[index].error?.status == 400)
    }
  }

  @Test func aRefThatWasStoredLeavesNoHole() {
    let stored = LaneBatch([send("a", ref: "x")], readings(), now: 1)
    var later = readings(lastEvent: 5, lastSeq: 5)
    later.sent[RefKey(room: 1, user: 7, ref: "x")] = stored.rows[0].event
    let batch = LaneBatch([send("a", ref: "x"), send("new"), send("b", ref: "x")], later, now: 2)
    #expect(batch.outcomes[0].event == stored.rows[0].event)
    #expect(batch.repeatsEarlier)
    #expect(batch.outcomes[1].event?.message.seq == 6)
    #expect(batch.outcomes[2].error?.word == "ref_conflict")
  }

  @Test func aChangeIsStoredOncePerRefAndOverwritesNoNewerOne() {
    let base = message(1, event: 1)
    func edit(_ text: String, _ seq: Int64 = 1) -> Submission {
      var base = base
      base.seq = seq
      return Submission(room: room, action: .edit(base: base, text: text), actor: john, ref: "e")
    }
    let batch = LaneBatch([edit("a"), edit("a"), edit("b"), edit("a", 2)], readings(lastEvent: 9, lastSeq: 9), now: 5)
    #expect(batch.rows.map(\.event.event) == [10])
    #expect(batch.outcomes[1].isDuplicate == true && batch.outcomes[1].event?.event == 10)
    #expect(batch.outcomes[2].error?.word == "ref_conflict" && batch.outcomes[3].error?.word == "ref_conflict")
    #expect(batch.changeRefs.map(\.event) == [10])

    // Later, from another server, when a newer edit has come and gone: neither is done again.
    var later = readings(lastEvent: 12, lastSeq: 9)
    later.changed[batch.changeRefs[0].key] = batch.changeRefs[0]
    let again = LaneBatch([edit("a")], later, now: 6)
    #expect(again.rows.isEmpty && again.repeatsEarlier)
    #expect(again.outcomes[0].isDuplicate == true && again.outcomes[0].event?.event == 10)
    #expect(again.outcomes[0].event?.timestamp == 5)
    // The message was read before the edit came through; the answer shows the edit.
    let shown = again.outcomes[0].event?.message
    #expect(shown?.text == "a" && shown?.revised == 10 && shown?.editedAt == 5)
  }

  @Test func anEditThatWasStoredWasStoredAlthoughTheMessageIsDeletedByNow() {
    let base = message(1, event: 1)
    let first = LaneBatch(
      [Submission(room: room, action: .edit(base: base, text: "a"), actor: john, ref: "e")],
      readings(lastEvent: 9, lastSeq: 9), now: 5)
    var later = readings(lastEvent: 11, lastSeq: 9)
    later.changed[first.changeRefs[0].key] = first.changeRefs[0]
    later.changes[MessageKey(room: 1, seq: 1)] = RoomChange(event: 11, seq: 1, kind: .deletion, lastSeq: 9)
    let edit = Submission.Action.edit(base: base.tombstone(revised: 11), text: "a")
    let batch = LaneBatch([Submission(room: room, action: edit, actor: john, ref: "e")], later, now: 6)
    #expect(batch.outcomes[0].isDuplicate == true && batch.rows.isEmpty)
    let other = LaneBatch([Submission(room: room, action: edit, actor: john, ref: "f")], later, now: 6)
    #expect(other.outcomes[0].error?.word == "message_not_found")
  }

  @Test func aRefIsComparedBytewiseAndPerUser() {
    var ann = john
    ann.id = 8
    let other = Submission(room: room, action: .send(text: "a", data: nil, replyTo: nil), actor: ann, ref: "c1")
    let batch = LaneBatch(
      [send("a", ref: "c1"), send("b", ref: "C1"), send("c", ref: "c1 "), other], readings(), now: 1)
    #expect(batch.rows.count == 4)
  }

  @Test func aTextThatWasEditedSinceIsNotHeldAgainstItsRef() {
    var edited = LaneBatch([send("a", ref: "x")], readings(), now: 1).rows[0].event
    edited.message.text = "edited"
    edited.message.revised = 9
    var later = readings(lastEvent: 9, lastSeq: 1)
    later.sent[RefKey(room: 1, user: 7, ref: "x")] = edited
    #expect(LaneBatch([send("a", ref: "x")], later, now: 2).outcomes[0].isDuplicate == true)
  }

  @Test func mintedRefsAreStoredAndNotShown() {
    let batch = LaneBatch([send("a"), send("b", ref: "mine")], readings(), now: 1)
    #expect(batch.rows[0].ref?.hasPrefix(Submission.mintedRefPrefix) == true)
    #expect(batch.rows[0].event.message.ref == nil)
    #expect(batch.rows[1].event.message.ref == "mine")
  }

  @Test func anEditKeepsAllButTheText() throws {
    let edit = Submission(room: room, action: .edit(base: message(4, event: 6), text: "new"), actor: john, ref: nil)
    let event = try #require(LaneBatch([edit], readings(lastEvent: 10, lastSeq: 8), now: 99).outcomes[0].event)
    var expected = message(4, event: 6, revised: 11, text: "new")
    expected.editedAt = 99
    #expect(event.kind == .edit)
    #expect(event.message == expected)
    #expect(event.event == 11)
    #expect(event.lastSeq == 8)
    #expect(event.timestamp == 99)
  }

  @Test func aDeletionWinsOverAnEditThatFoundTheMessageAlive() {
    let edit = Submission(room: room, action: .edit(base: message(4, event: 6), text: "new"), actor: john, ref: nil)
    var later = readings(lastEvent: 10, lastSeq: 8)
    later.changes[MessageKey(room: 1, seq: 4)] = RoomChange(event: 9, seq: 4, kind: .deletion, lastSeq: 8)
    let batch = LaneBatch([edit], later, now: 1)
    #expect(batch.outcomes[0].error?.word == "message_not_found")
    #expect(batch.rows.isEmpty)
  }

  @Test func deletionsAndEditsOfOneBatchSeeEachOther() {
    let base = message(4, event: 6)
    let delete = Submission(room: room, action: .delete(base: base), actor: john, ref: nil)
    let again = Submission(room: room, action: .delete(base: base), actor: john, ref: nil)
    let edit = Submission(room: room, action: .edit(base: base, text: "new"), actor: john, ref: nil)
    let batch = LaneBatch([edit, delete, again, edit], readings(lastEvent: 10, lastSeq: 8), now: 1)
    #expect(batch.rows.map(\.event.kind) == [.edit, .deletion])
    #expect(batch.outcomes[1].event?.message == base.tombstone(revised: 12))
    #expect(batch.outcomes[2].isDuplicate == true)
    #expect(batch.outcomes[2].event?.event == 12)
    #expect(batch.outcomes[3].error?.status == 404)
    #expect(batch.rooms[1]?.lastSeq == 8)
  }

  @Test func deletingWhatWasDeletedNamesThatDeletion() {
    let delete = Submission(room: room, action: .delete(base: message(4, event: 6)), actor: john, ref: nil)
    var later = readings(lastEvent: 10, lastSeq: 8)
    later.changes[MessageKey(room: 1, seq: 4)] = RoomChange(event: 9, seq: 4, kind: .deletion, lastSeq: 7)
    let batch = LaneBatch([delete], later, now: 1)
    #expect(batch.outcomes[0].isDuplicate == true)
    #expect(batch.outcomes[0].event?.event == 9)
    #expect(batch.outcomes[0].event?.lastSeq == 7)
    #expect(batch.outcomes[0].event?.message.isDeleted == true)
    #expect(batch.rows.isEmpty)
    #expect(batch.repeatsEarlier)
  }

  @Test func aRemovalNeedsAMember() {
    let remove = Submission(room: room, action: .remove(user: john), actor: john, ref: nil)
    var later = readings(lastEvent: 10, lastSeq: 8)
    later.members = [MemberKey(room: 1, user: 7)]
    let again = Submission(room: room, action: .remove(user: john), actor: john, ref: nil)
    let batch = LaneBatch([remove, again], later, now: 1)
    #expect(batch.outcomes[0].event?.kind == .removal)
    #expect(batch.outcomes[0].event?.message.seq == 0)
    #expect(batch.outcomes[0].event?.message.user == "John")
    #expect(batch.outcomes[1].error?.word == "member_not_found")
    #expect(batch.removals == [MemberKey(room: 1, user: 7)])
  }

  @Test func nothingFollowsAClosure() {
    let close = Submission(room: room, action: .close, actor: john, ref: nil)
    let batch = LaneBatch([send("a", ref: "x"), close, send("b"), send("a", ref: "x"), close], readings(), now: 1)
    #expect(batch.rows.map(\.event.kind) == [.message, .closure])
    #expect(batch.closures == [1])
    #expect(batch.outcomes[2].error?.word == "room_not_found")
    // What was stored stays stored, for whoever asks again.
    #expect(batch.outcomes[3].isDuplicate == true)
  }

  @Test func anImportedRoomAsksForPatience() {
    var importing = readings()
    importing.rooms[1]?.isImporting = true
    let error = LaneBatch([send("a")], importing, now: 1).outcomes[0].error
    #expect(error?.word == "room_importing")
    #expect(error?.status == 503)
    #expect(error?.retryAfter != nil)
  }

  @Test func anUnknownRoomIsRefused() {
    var none = readings()
    none.rooms = [:]
    #expect(LaneBatch([send("a")], none, now: 1).outcomes[0].error?.word == "room_not_found")
  }

  @Test func aChangeWhoseOutcomeWasUnknownIsNotMadeTwice() {
    let remove = Submission(room: room, action: .remove(user: john), actor: john, ref: nil)
    var before = readings()
    before.members = [MemberKey(room: 1, user: 7)]
    let stored = LaneBatch([remove], before, now: 1).rows[0].event
    var later = readings(lastEvent: 1)
    later.add(past: stored)
    let batch = LaneBatch([remove], later, now: 2)
    #expect(batch.outcomes[0].event == stored)
    #expect(batch.outcomes[0].isDuplicate == true)
    #expect(batch.rows.isEmpty)
  }

  @Test func countersAtTheirEndDoNotTrap() {
    var readings = readings(lastEvent: .max, lastSeq: .max)
    readings.heads = [3: .max]
    #expect(LaneBatch([send("a")], readings, now: 1).rows.count == 1)
  }
}

extension Outcome {
  var event: RoomEvent? { if case .committed(let event, _) = self { event } else { nil } }
  var isDuplicate: Bool? { if case .committed(_, let duplicate) = self { duplicate } else { nil } }
  var error: ChatError? { if case .refused(let error) = self { error } else { nil } }
  var isBusy: Bool { if case .busy = self { true } else { false } }
}
