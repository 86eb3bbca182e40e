import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct RewindTests {
  // MARK: The guard

  @Test func aLaneBelowWhatWasSeenIsNotWrittenTo() throws {
    let protected = RewindGuard()
    protected.watch {}
    protected.settle(try #require(protected.openDoubt))
    protected.saw([Self.event(lane: 3, position: 120), Self.event(lane: 3, position: 119)])
    try protected.check([3: 120, 4: 0])
    try protected.check([3: 121])
    #expect(throws: SQLError.self) { try protected.check([3: 110]) }
    #expect(throws: SQLError.self) { try protected.waitUntilSettled(patience: 0.01) }
  }

  @Test func aDoubtThatIsRaisedWhileAnotherIsLookedIntoStaysOpen() throws {
    let protected = RewindGuard()
    protected.watch {}
    let first = try #require(protected.openDoubt)
    protected.doubt()
    protected.settle(first)
    #expect(throws: SQLError.self) { try protected.waitUntilSettled(patience: 0.01) }
    protected.settle(try #require(protected.openDoubt))
    #expect(protected.openDoubt == nil)
    try protected.waitUntilSettled(patience: 0.01)
  }

  @Test func withoutAWatchNothingWaits() throws {
    let protected = RewindGuard()
    protected.saw([Self.event(lane: 0, position: 5)])
    try protected.check([0: 1])
    try protected.waitUntilSettled(patience: 0.01)
  }

  // MARK: What comes back

  private let room = Room(id: 1, name: nil, topic: nil, kind: .public, lane: 5, routing: "r", createdAt: 0)

  @Test func lostMessagesComeBackUnderTheirNumbersAndWhatIsGoneIsDeleted() throws {
    let documents: [RoomEvent] = [
      .sent(seq: 9, event: 10, "nine"), .sent(seq: 11, event: 12, "eleven"),
      .sent(seq: 14, event: 15, "fourteen").edited(event: 18, "edited"),
    ]
    let recovery = try RoomRecovery(
      of: room, documents, counters: RoomCounters(lastEvent: 11, lastSeq: 10), head: 100)
    #expect(recovery.rows.map(\.event.message.seq) == [11, 12, 13, 14])
    #expect(recovery.rows.map(\.event.event) == [12, 19, 20, 18])
    #expect(recovery.rows.map(\.event.kind) == [.message, .deletion, .deletion, .edit])
    #expect(recovery.rows.map(\.event.position) == [101, 102, 103, 104])
    #expect(recovery.rows.allSatisfy { $0.event.lane == 5 && $0.event.routing == "r" })
    #expect(recovery.holes == 2 && recovery.head == 104)
    #expect(recovery.counters.lastEvent == 20 && recovery.counters.lastSeq == 14)
  }

  @Test func aLostDeletionOfAMessageThatIsThereComesBack() throws {
    let deletion = RoomEvent.sent(seq: 3, event: 3, "gone").deleted(event: 15)
    let recovery = try RoomRecovery(
      of: room, [deletion, .sent(seq: 4, "there")], counters: RoomCounters(lastEvent: 12, lastSeq: 10), head: 7)
    #expect(recovery.rows.map(\.event.event) == [15])
    #expect(recovery.rows.map(\.event.message.isDeleted) == [true])
    #expect(recovery.counters.lastEvent == 15 && recovery.counters.lastSeq == 10)
  }

  @Test func ofSeveralStatesOfAMessageTheLastComesBack() throws {
    let sent = RoomEvent.sent(seq: 6, "text")
    let recovery = try RoomRecovery(
      of: room, [sent.edited(event: 9, "new"), sent, sent], counters: RoomCounters(lastEvent: 5, lastSeq: 5), head: 0)
    #expect(recovery.rows.map(\.event.message.text) == ["new"] && recovery.counters.lastEvent == 9)
  }

  @Test func whatIsThereTwiceIsPassedOverSoThatARepairMayBeBegunAgain() throws {
    let documents = (1...5).map { RoomEvent.sent(seq: $0, "text") }
    let recovery = try RoomRecovery(of: room, documents, counters: RoomCounters(lastEvent: 5, lastSeq: 5), head: 7)
    #expect(recovery.rows.isEmpty && recovery.head == 7)
  }

  @Test func anImportUnderWayIsNoLoss() {
    var counters = RoomCounters(lastEvent: 1, lastSeq: 1)
    #expect(RoomRecovery.isLost(.sent(seq: 2, "imported"), counters))
    counters.isImporting = true
    #expect(!RoomRecovery.isLost(.sent(seq: 2, "imported"), counters))
  }

  @Test func numbersThatMakeNoSenseAreNotFilledUp() {
    #expect(throws: RoomRecovery.Nonsense.self) {
      try RoomRecovery(
        of: room, [.sent(seq: 1 << 50, "far")], counters: RoomCounters(lastEvent: 5, lastSeq: 5), head: 7)
    }
  }

  static func event(lane: Int, position: Int64) -> RoomEvent {
    var event = RoomEvent.sent(seq: 1, "text")
    event.lane = lane
    event.position = position
    return event
  }
}
