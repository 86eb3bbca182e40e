import ChatRooms
import Drivers
import TestSupport
import Testing

@testable import HistoryIndex

/// What the hub does for an event: rendered once, told to each loop once, however many listen.
@Suite struct HubCostTests {
  private final class CountingLoop: DeliveryLoop, @unchecked Sendable {
    private(set) var posts = 0
    private(set) var broadcasts = 0

    func post(_ delivery: Delivery) { post(contentsOf: [delivery]) }

    func post(contentsOf deliveries: [Delivery]) {
      posts += 1
      for case .broadcast(_, let broadcast) in deliveries { broadcasts += broadcast.events.count }
    }
  }

  /// A room with so many subscribers on each of two loops, and a hundred events that are still to come.
  private func scene(subscribers: UInt64) -> (hub: HubState, loops: [CountingLoop], events: [RoomEvent]) {
    let hub = HubState(limits: .init(), metrics: HubMetrics(Metrics()))
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    let loops = [CountingLoop(), CountingLoop()]
    for loop in loops { _ = hub.attach(loop) }
    var model = RoomModel()
    for _ in 0..<10 { model.send() }
    hub.handle([.events(model.events)], now: 0)
    hub.handle(
      (1...subscribers).flatMap { [.join(.test($0 * 2), loop: 0), .join(.test($0 * 2 + 1), loop: 1)] }, now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    for _ in 0..<100 { model.send() }
    return (hub, loops, Array(model.events[10...]))
  }

  @Test func theEventsOfACommitReachALoopAtOnce() {
    let (hub, loops, events) = scene(subscribers: 3)
    let before = loops.map(\.posts)
    hub.handle([.events(Array(events[..<40])), .events(Array(events[40...]))], now: 0)
    for (loop, before) in zip(loops, before) {
      #expect(loop.broadcasts == 100)
      #expect(loop.posts == before + 1)
    }
  }

  @Test func anEventCostsTheSameHoweverManyListen() {
    let costs = [1, 1_000].map { subscribers in
      let (hub, _, events) = scene(subscribers: UInt64(subscribers))
      return WorkCounts.ofThread { hub.handle([.events(events)], now: 0) }
    }
    #expect(abs(costs[0].allocations - costs[1].allocations) <= 20, "\(costs)")
    // As a debug build counts, which keeps every closure and every temporary.
    #expect(costs[1].allocations <= 40 * 100, "\(costs)")
  }
}
