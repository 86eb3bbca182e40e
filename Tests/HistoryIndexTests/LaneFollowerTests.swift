import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

@Suite struct LaneFollowerTests {
  private func events(_ count: Int) -> [RoomEvent] {
    var model = RoomModel()
    for _ in 0..<count { model.send() }
    return model.events
  }

  @Test(arguments: 0..<20) func anyOrderWithDoublesIsDeliveredOnceAndInOrder(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let events = events(100)
    var follower = LaneFollower(at: 0)
    var delivered: [Int64] = []
    for event in (events + events).shuffled(using: &random) {
      delivered += follower.receive([event], now: 0).map(\.position)
    }
    #expect(delivered == Array(1...100))
    #expect(!follower.needsFetch(now: 1_000_000))
  }

  @Test func aLostLastEventIsNoticedByTheHead() {
    var follower = LaneFollower(at: 0)
    _ = follower.receive(Array(events(3).prefix(2)), now: 0)
    follower.observe(head: 3, now: 10)
    #expect(!follower.needsFetch(now: 10))
    #expect(follower.needsFetch(now: 10 + LaneFollower.patience))
  }

  @Test func aLaterEventShowsAGapAndFillingItEndsIt() {
    let all = events(3)
    var follower = LaneFollower(at: 0)
    let early = follower.receive([all[2]], now: 0)
    #expect(early.isEmpty)
    #expect(follower.needsFetch(now: LaneFollower.patience))
    let filled = follower.receive([all[0], all[1]], now: 50)
    #expect(filled.map(\.position) == [1, 2, 3])
    #expect(!follower.needsFetch(now: 1_000))
  }

  @Test func skippingForgetsWhatLiesBetween() {
    let all = events(9)
    var follower = LaneFollower(at: 0)
    _ = follower.receive([all[4], all[8]], now: 0)
    follower.skip(to: 8)
    #expect(follower.delivered == 8)
    let next = follower.receive([all[7], all[8]], now: 0)
    #expect(next.map(\.position) == [9])
  }

  /// Hazard 6: MySQL shows a commit before it is durable, and its crash takes it back.
  @Test func aHeadThatACrashTookBackIsForgotten() {
    let all = events(4)
    var follower = LaneFollower(at: 0)
    _ = follower.receive(Array(all.prefix(3)), now: 0)
    follower.observe(head: 4, now: 10)
    #expect(follower.needsFetch(now: 100))
    follower.doubtHead()
    #expect(!follower.needsFetch(now: 200))
    #expect(follower.observe(head: 3, now: 300) == nil)
    let next = follower.receive([all[3]], now: 400)
    #expect(next.map(\.position) == [4], "what is committed now is new")
  }

  @Test func aHeadThatIsStillThereWasTrimmed() {
    var follower = LaneFollower(at: 0)
    follower.observe(head: 4, now: 10)
    follower.doubtHead()
    #expect(follower.observe(head: 5, now: 300) == 5)
  }
}
