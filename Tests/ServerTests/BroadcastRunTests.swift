import ChatRooms
import HistoryIndex
import Testing

@testable import server

@Suite struct BroadcastRunTests {
  private func broadcast(_ event: Int64, kind: RoomEvent.Kind = .message, text: String = "hi") -> Broadcast {
    let message = Message(
      room: 1, seq: event, event: event, revised: event, user: "u", userID: 1, text: text, timestamp: 0)
    return Broadcast(
      rendering: RoomEvent(
        kind: kind, event: event, lastSeq: event, message: message, timestamp: 0, lane: 0, position: event,
        routing: "1", roomKind: .public, nonce: 0))
  }

  @Test func oneRoomsBroadcastsGoOutAsOnePieceInTheirOrder() {
    var run = BroadcastRun()
    let broadcasts = [broadcast(1), broadcast(2, kind: .deletion), broadcast(3)]
    for each in broadcasts {
      let isTaken = run.take(each, in: 1)
      #expect(isTaken)
    }
    #expect(run.v1?.bytes == broadcasts.compactMap(\.v1).flatMap(\.bytes))
    #expect(run.v1?.count == 3)
    #expect(run.raw?.bytes == broadcasts.compactMap(\.raw).flatMap(\.bytes), "raw clients hear of messages alone")
  }

  @Test func anotherRoomOrTooManyBytesEndARun() {
    var run = BroadcastRun()
    let results = [run.take(broadcast(1), in: 1), run.take(broadcast(1), in: 2)]
    #expect(results == [true, false])
    let long = String(repeating: "x", count: 16_000)
    let taken = (2...20).prefix { run.take(broadcast(Int64($0), text: long), in: 1) }.count
    #expect(taken * 16_000 <= BroadcastRun.byteLimit + 16_000 && taken >= 4)
  }
}
