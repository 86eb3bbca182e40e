import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

@Suite struct RoomTailTests {
  private func bytes(_ frames: [WebSocketFrame]) -> [UInt8] { frames.flatMap(\.bytes) }

  @Test(arguments: 0..<8) func everyResumeIsThePresentStateByPosition(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    for _ in 0..<Int.random(in: 0...150, using: &random) { model.step(using: &random) }
    var tail = model.tail()
    // Half of what is known was loaded, the rest came as events.
    for _ in 0..<Int.random(in: 0...150, using: &random) {
      model.step(using: &random)
      let isApplied = tail.apply(model.events[model.events.count - 1])
      #expect(isApplied)
    }
    for _ in 0..<20 {
      let since = Int64.random(in: 0...model.position.lastEvent, using: &random)
      let answer = tail.answer(.test(since: since))
      #expect(answer.state.isComplete)
      #expect(bytes(answer.frames) == bytes(model.replay(after: since)), "since \(since)")
    }
    for limit in [1, 2, 10, 100] {
      let frames = tail.answer(.test(limit: limit)).frames
      #expect(bytes(frames) == bytes(model.newest(limit)))
    }
  }

  @Test(arguments: 0..<2) func aLongRoomIsAnsweredWithinTheLimitAndCompletely(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    for _ in 0..<2_000 { model.step(using: &random) }
    var tail = model.tail()
    for _ in 0..<3_000 {
      model.step(using: &random)
      let isApplied = tail.apply(model.events[model.events.count - 1])
      #expect(isApplied)
    }
    let last = model.position.lastEvent
    for behind: Int64 in [0, 1, 10, 1_000] {
      let answer = tail.answer(.test(since: last - behind))
      #expect(answer.state.isComplete, "\(behind) behind")
      #expect(bytes(answer.frames) == bytes(model.replay(after: last - behind)))
    }
    let answer = tail.answer(.test(since: last - 1_001))
    #expect(!answer.state.isComplete && !answer.state.isReset)
  }

  @Test func aPositionOfAnotherEpochOrAheadOfTheRoomResets() {
    var model = RoomModel()
    for _ in 0..<5 { model.send() }
    var tail = model.tail()
    for request in [JoinRequest.test(since: 3, epoch: "other"), .test(since: 6)] {
      let answer = tail.answer(request)
      #expect(answer.state.isReset && !answer.state.isComplete)
      #expect(answer.frames.map(\.count) == [5])
    }
    let same = tail.answer(.test(since: 3, epoch: "e1"))
    #expect(!same.state.isReset)
  }

  @Test func aDeletedTextIsNotReplayed() {
    var model = RoomModel()
    model.send()
    model.send()
    var tail = model.tail()
    model.delete(1)
    let isApplied = tail.apply(model.events[2])
    #expect(isApplied)
    let frames = tail.answer(.test(since: 0)).frames
    #expect(frames.map(\.bytes) == [MessageWire.messageFrame(model.messages[1]).bytes])
  }

  @Test func aRoomThatIsOnlyEditedDoesNotGrow() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    var tail = model.tail()
    for _ in 0..<5_000 { model.edit(2) }
    for event in model.events.dropFirst(3) {
      let isTaken = tail.apply(event)
      #expect(isTaken)
    }
    #expect(tail.contents.changes.count <= 2 * HistoryLimits.join.upperBound)
    let since = tail.position.lastEvent - 500
    let (state, frames) = tail.answer(.test(since: since))
    #expect(state.isComplete && bytes(frames) == bytes(model.replay(after: since)))
  }

  @Test func aTailTakesNoMoreHoweverMuchHappens() {
    var random = SplitMix64(seed: 1)
    var model = RoomModel()
    var tail = model.tail()
    var bytes: [Int] = []
    for _ in 0..<5 {
      for _ in 0..<2_000 { model.step(using: &random) }
      for event in model.events.suffix(2_000) {
        let isTaken = tail.apply(event)
        #expect(isTaken)
      }
      _ = tail.answer(.test())
      bytes.append(tail.byteCount)
    }
    // 1,064 messages of about 160 bytes, 24 beside, an answer with a thousand of them, two thousand changes.
    #expect(bytes.max() ?? 0 <= 600_000, "\(bytes)")
  }

  @Test func theSameAnswerIsMadeOnce() {
    var model = RoomModel()
    for _ in 0..<10 { model.send() }
    var tail = model.tail()
    let frames = (0..<2).map { _ in tail.answer(.test(limit: 5)).frames }
    #expect(frames[0].first === frames[1].first && frames[0].map(\.count) == [5])
    #expect(
      bytes(tail.answer(.test(limit: 5, format: .raw)).frames)
        == model.messages.suffix(5).flatMap { MessageWire.rawFrame($0).bytes })
    model.send()
    let isTaken = tail.apply(model.events[10])
    #expect(isTaken)
    #expect(bytes(tail.answer(.test(limit: 5)).frames) == bytes(model.newest(5)))
  }

  @Test func anEventOutOfTurnIsRefused() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    var tail = RoomModel().tail()
    let results = [1, 0, 0].map { tail.apply(model.events[$0]) }
    #expect(results == [false, true, false])
  }

  /// Reads are no snapshot: the messages may have been read after events that come again.
  @Test func aStateReadLaterThanThePositionIsNotUndone() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    let position = model.position
    model.edit(1)
    model.edit(1)
    var tail = RoomTail(
      position: position, messages: model.messages, changes: model.changes, changesFloor: 0, olderChanged: [])
    let results = [3, 4].map { tail.apply(model.events[$0]) }
    #expect(results == [true, true])
    let frames = tail.answer(.test(since: 3)).frames
    #expect(bytes(frames) == bytes(model.replay(after: 3)))
  }
}
