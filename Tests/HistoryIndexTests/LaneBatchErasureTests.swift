import ChatRooms
import Testing

@testable import HistoryIndex

/// What a batch does with messages of deleted users, and with what such users still send.
@Suite struct LaneBatchErasureTests {
  private let room = Room(
    id: 1, name: nil, topic: nil, kind: .public, lane: 3, routing: "1", createdAt: 0)
  private let ann = User(id: 9, name: "Ann", displayName: nil, createdAt: 0)
  private let admin = User(id: 2, name: "admin", displayName: nil, createdAt: 0)

  private func readings(_ fate: MessageFate? = .erase) -> LaneReadings {
    var readings = LaneReadings()
    readings.heads = [3: 100]
    readings.rooms = [1: RoomCounters(lastEvent: 20, lastSeq: 15)]
    if let fate { readings.erased = [9: fate] }
    return readings
  }

  private func message(_ seq: Int64 = 4, revised: Int64 = 4, isDeleted: Bool = false) -> Message {
    let message = Message(
      room: 1, seq: seq, event: 4, revised: revised, user: "Ann", userID: 9, text: "secret", timestamp: 50,
      ref: "r", data: "{}", replyTo: 1, editedAt: revised > 4 ? 60 : nil)
    return isDeleted ? message.tombstone(revised: revised) : message
  }

  private func submit(
    _ action: Submission.Action, by user: User = DeletedUser.user, _ readings: LaneReadings
  ) -> LaneBatch {
    LaneBatch([Submission(room: room, action: action, actor: user, ref: nil)], readings, now: 1_000)
  }

  @Test func anErasedMessageIsADeletedOneOfNobody() {
    let batch = submit(.withdraw(base: message(), .erase), readings())
    let event = batch.outcomes[0].event
    #expect(event?.kind == .deletion && event?.event == 21)
    #expect(event?.message.isDeleted == true && event?.message.text == "" && event?.message.data == nil)
    #expect(event?.message.user == DeletedUser.name && event?.message.userID == DeletedUser.id)
    #expect(batch.rows.first?.ref == nil)
  }

  @Test func anAnonymizedMessageKeepsItsTextAndItsTimes() {
    let batch = submit(.withdraw(base: message(revised: 6), .anonymize), readings(.anonymize))
    let changed = batch.outcomes[0].event?.message
    #expect(batch.outcomes[0].event?.kind == .edit)
    #expect(changed?.text == "secret" && changed?.timestamp == 50 && changed?.editedAt == 60 && changed?.replyTo == 1)
    #expect(changed?.user == DeletedUser.name && changed?.userID == DeletedUser.id)
    #expect(changed?.ref == nil && changed?.data == nil && batch.rows.first?.ref == nil)
  }

  @Test func whatIsLeftOfADeletedMessageLosesItsAuthor() {
    for fate in [MessageFate.anonymize, .erase] {
      let batch = submit(.withdraw(base: message(revised: 6, isDeleted: true), fate), readings(fate))
      #expect(batch.outcomes[0].event?.kind == .deletion)
      #expect(batch.outcomes[0].event?.message.user == DeletedUser.name)
    }
  }

  @Test func aMessageThatHasChangedSinceIsLookedAtAgain() {
    var readings = readings(.anonymize)
    readings.changes[MessageKey(room: 1, seq: 4)] = RoomChange(event: 12, seq: 4, kind: .edit, lastSeq: 11)
    let late = submit(.withdraw(base: message(), .anonymize), readings)
    #expect(late.outcomes[0].error?.word == "message_changed" && late.rows.isEmpty)
    let newest = submit(.withdraw(base: message(revised: 12), .anonymize), readings)
    #expect(newest.outcomes[0].event?.kind == .edit)
    // Two sweeps at once: the second one's is refused.
    let submission = Submission(
      room: room, action: .withdraw(base: message(revised: 12), .anonymize), actor: DeletedUser.user, ref: nil)
    let twice = LaneBatch([submission, submission.again], readings, now: 1)
    #expect(twice.rows.count == 1 && twice.outcomes[1].error?.word == "message_changed")
  }

  @Test func roomsThatWereDeletedAreNoRefuge() {
    var readings = readings()
    readings.rooms[1]?.isClosed = true
    #expect(submit(.withdraw(base: message(), .erase), readings).outcomes[0].event?.kind == .deletion)
    readings.rooms[1]?.isClosed = false
    readings.rooms[1]?.isImporting = true
    #expect(submit(.withdraw(base: message(), .erase), readings).outcomes[0].error?.word == "room_importing")
  }

  @Test func whatADeletedUserStillSendsIsRefused() {
    let send = Submission.Action.send(text: "late", data: nil, replyTo: nil)
    for fate in [MessageFate.anonymize, .erase] {
      #expect(submit(send, by: ann, readings(fate)).outcomes[0].error?.word == "user_deleted")
      let edit = Submission.Action.edit(base: message(), text: "late")
      #expect(submit(edit, by: ann, readings(fate)).outcomes[0].error?.word == "user_deleted")
    }
    #expect(submit(send, by: admin, readings()).outcomes[0].event != nil)
    #expect(submit(send, by: ann, readings(nil)).outcomes[0].event != nil)
  }

  /// Somebody else's change, made of a state that was read before.
  @Test func noChangeBringsAnAuthorBack() {
    let edit = Submission.Action.edit(base: message(), text: "moderated")
    let edited = submit(edit, by: admin, readings(.anonymize))
    #expect(edited.outcomes[0].event?.message.text == "moderated")
    #expect(edited.outcomes[0].event?.message.user == DeletedUser.name)
    #expect(edited.rows.first?.ref == nil && edited.rows.first?.event.message.data == nil)
    #expect(submit(edit, by: admin, readings(.erase)).outcomes[0].error?.word == "message_not_found")
    let deleted = submit(.delete(base: message()), by: admin, readings(.anonymize))
    #expect(deleted.outcomes[0].event?.message.user == DeletedUser.name)
  }

  @Test func anErasedRowThatIsReadLateShowsAsADeletion() {
    var message = message().anonymized.tombstone(revised: 4)
    message.event = 4
    for kind in [RoomEvent.Kind.message, .edit] {
      let event = RoomEvent(
        kind: kind, event: 4, lastSeq: 4, message: message, timestamp: 1, lane: 3, position: 1, routing: "1",
        roomKind: .public, nonce: 1)
      let broadcast = Broadcast(rendering: event)
      #expect(broadcast.raw == nil)
      #expect(broadcast.v1?.bytes == MessageWire.deletedFrame(room: 1, event: 4, seq: 4).bytes)
    }
  }
}

extension Submission {
  /// The same, as another sweep submits it.
  fileprivate var again: Submission { Submission(room: room, action: action, actor: actor, ref: nil) }
}
