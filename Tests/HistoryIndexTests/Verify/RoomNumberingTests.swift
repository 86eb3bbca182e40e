import ChatRooms
import Testing

@testable import HistoryIndex

@Suite struct RoomNumberingTests {
  private func change(_ event: Int64, of seq: Int64, at lastSeq: Int64, _ kind: RoomEvent.Kind = .edit) -> RoomChange {
    RoomChange(event: event, seq: seq, kind: kind, lastSeq: lastSeq)
  }

  /// Messages 1 and 2, an edit of 1, message 3, a removal, message 4 (event 6), its deletion.
  private var changes: [RoomChange] {
    [change(3, of: 1, at: 2), change(5, of: 0, at: 3, .removal), change(7, of: 4, at: 4, .deletion)]
  }

  @Test func theEventOfEachMessageFollowsFromTheChanges() {
    let numbering = RoomNumbering(lastEvent: 8, lastSeq: 5, changes: changes)
    #expect(numbering.flaw == nil)
    #expect((1...5).map { numbering.event(of: $0) } == [1, 2, 4, 6, 8])
    #expect(numbering.revision(of: 1)?.event == 3 && numbering.revision(of: 2) == nil)
    #expect(numbering.revision(of: 4)?.isDeletion == true)
  }

  @Test func changesThatCameLaterDoNotCount() {
    let numbering = RoomNumbering(lastEvent: 6, lastSeq: 4, changes: changes)
    #expect(numbering.flaw == nil && numbering.revision(of: 4) == nil && numbering.event(of: 4) == 6)
  }

  @Test func aChangeThatIsNotWrittenDownShows() {
    var numbering = RoomNumbering(lastEvent: 8, lastSeq: 5, changes: [changes[0], changes[2]])
    #expect(numbering.flaw?.events == 4...6)
    #expect(numbering.event(of: 3) == nil)
    numbering = RoomNumbering(lastEvent: 9, lastSeq: 5, changes: changes)
    #expect(numbering.flaw?.events == 8...9)
  }

  @Test func afterARewindNothingNeedAddUp() {
    let numbering = RoomNumbering(lastEvent: 1_000_009, lastSeq: 5, changes: changes)
    #expect(numbering.hasJumped && numbering.flaw == nil && numbering.event(of: 3) == nil)
  }

  @Test func anEmptyRoomIsInOrder() {
    let numbering = RoomNumbering(lastEvent: 0, lastSeq: 0, changes: [])
    #expect(numbering.flaw == nil && numbering.event(of: 1) == nil)
  }
}
