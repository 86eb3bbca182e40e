import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Schedules against the hub's state without threads: joins, events and loads in every order.
@Suite struct HubStateTests {
  final class Loop: DeliveryLoop, @unchecked Sendable {
    var deliveries: [Delivery] = []
    func post(_ delivery: Delivery) { deliveries.append(delivery) }
  }

  /// How many frames one subscriber was sent; fails where live events are not dense.
  private func view(of id: UInt64, in deliveries: [Delivery]) -> (frames: Int, last: Int64)? {
    var frames = 0
    var last: Int64?
    for delivery in deliveries {
      switch delivery {
      case .joined(let subscription, let state, let replay) where subscription.value == id:
        frames = replay.reduce(0) { $0 + $1.count }
        last = state.position.lastEvent
      case .broadcast(_, let broadcast):
        guard let before = last else { continue }
        #expect(broadcast.events.lowerBound == before + 1, "live events are dense")
        last = broadcast.events.upperBound
        frames += broadcast.v1?.count ?? 0
      case .interrupt: last = nil
      default: break
      }
    }
    return last.map { (frames, $0) }
  }

  private func hub() -> (HubState, Loop) {
    let hub = HubState(limits: .init(), metrics: HubMetrics(Metrics()))
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    let loop = Loop()
    _ = hub.attach(loop)
    return (hub, loop)
  }

  /// Who resumes after the first one may have missed more, and is promised that nobody reads for it again.
  @Test(arguments: [(nil, 100, HistoryLimits.tail), (nil, 700, HistoryLimits.block), (3, 100, HistoryLimits.block)])
  func aColdRoomIsReadForEverybodyWhoMayComeWithTheFirst(since: Int64?, limit: Int, expected: Int) {
    let (hub, _) = hub()
    hub.handle([.join(.test(1, since: since, limit: limit), loop: 0)], now: 0)
    let counts = hub.takeJobs(now: 0).compactMap { if case .load(_, let count) = $0 { count } else { nil } }
    #expect(counts == [expected])
  }

  /// The tail is loaded at one moment, delivered at another, events come in between and lag behind the database.
  @Test(arguments: 0..<200) func aJoinAtAnyMomentHasNoGapAndNoDouble(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    let (hub, loop) = hub()
    for _ in 0..<Int.random(in: 0...20, using: &random) { model.step(using: &random) }
    var fed = Int.random(in: 0...model.events.count, using: &random)
    hub.handle([.events(Array(model.events[..<fed]))], now: 0)
    var pendingTail: RoomTail?
    var now: Milliseconds = 0
    for join in 1...4 {
      hub.handle([.join(.test(UInt64(join), since: 0), loop: 0)], now: now)
      for _ in 0..<30 {
        now += 10
        switch Int.random(in: 0..<4, using: &random) {
        case 0: model.step(using: &random)
        case 1 where fed < model.events.count:
          let next = Int.random(in: fed + 1...model.events.count, using: &random)
          hub.handle([.events(Array(model.events[fed..<next]))], now: now)
          fed = next
        case 2:
          if hub.takeJobs(now: now).contains(where: { if case .load = $0 { true } else { false } }) {
            pendingTail = model.tail()
          }
        default:
          if let tail = pendingTail {
            hub.handle([.loaded(RoomModel.room.id, tail)], now: now)
            pendingTail = nil
          }
        }
      }
    }
    settle(hub, &model, fed: fed, pendingTail, now: now)
    for join in 1...4 {
      let seen = view(of: UInt64(join), in: loop.deliveries)
      #expect(seen?.last == model.position.lastEvent, "subscriber \(join) is up to date")
    }
  }

  private func settle(_ hub: HubState, _ model: inout RoomModel, fed: Int, _ tail: RoomTail?, now: Milliseconds) {
    var tail = tail
    var now = now
    hub.handle([.events(Array(model.events[fed...]))], now: now)
    for _ in 0..<5 {
      now += 100
      if tail == nil, hub.takeJobs(now: now).contains(where: { if case .load = $0 { true } else { false } }) {
        tail = model.tail()
      }
      hub.handle(tail.map { [.loaded(RoomModel.room.id, $0)] } ?? [], now: now)
      tail = nil
    }
  }

  /// The database may know more than was delivered here: who was there first must not lose what lies between.
  @Test func aTailThatIsAheadWaitsForTheEventsOnTheirWay() {
    var limits = RoomHub.Limits()
    limits.tailBytes = 0
    let hub = HubState(limits: limits, metrics: HubMetrics(Metrics()))
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    let loop = Loop()
    _ = hub.attach(loop)
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    hub.handle([.events(model.events), .join(.test(1), loop: 0)], now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    // The sweep frees the tail and leaves the subscriber.
    hub.handle([], now: 20_000)
    for _ in 0..<2 { model.send() }
    hub.handle([.join(.test(2), loop: 0)], now: 20_000)
    #expect(hub.takeJobs(now: 20_000).count == 1)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 20_000)
    #expect(view(of: 2, in: loop.deliveries) == nil)
    hub.handle([.events(Array(model.events[3...]))], now: 20_010)
    #expect(view(of: 1, in: loop.deliveries)?.last == 5)
    #expect(view(of: 1, in: loop.deliveries)?.frames == 5)
    #expect(view(of: 2, in: loop.deliveries)?.last == 5)
  }

  /// Whoever waited for events on their way has left: the hub must not look after them for ever.
  @Test func aJoinThatWaitedAndLeftIsForgotten() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    let early = model.tail()
    model.send()
    var limits = RoomHub.Limits()
    limits.tailBytes = 0
    let hub = HubState(limits: limits, metrics: HubMetrics(Metrics()))
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    _ = hub.attach(Loop())
    hub.handle([.events(Array(model.events[..<3])), .join(.test(1), loop: 0)], now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loaded(RoomModel.room.id, early)], now: 0)
    hub.handle([], now: 20_000)
    hub.handle([.join(.test(2), loop: 0)], now: 20_000)
    _ = hub.takeJobs(now: 20_000)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 20_000)
    #expect(hub.nextTick(now: 20_000) == 10, "it waits for an event on its way")
    hub.handle([.leave(SubscriptionID(2), room: RoomModel.room.id, loop: 0)], now: 20_000)
    hub.handle([], now: 20_000)
    #expect(hub.nextTick(now: 20_000) > 1_000)
  }

  /// Lengths of the tails that are to be read.
  private func loads(_ hub: HubState, now: Milliseconds) -> [Int] {
    hub.takeJobs(now: now).compactMap { if case .load(_, let count) = $0 { count } else { nil } }
  }

  @Test func aTailIsReadAnewWhereSomebodyAsksForMoreThanIsUsual() {
    var model = RoomModel()
    for _ in 0..<600 { model.send() }
    for seq in Int64(400)...600 where seq % 2 == 0 { model.delete(seq) }
    let (hub, loop) = hub()
    hub.handle([.events(model.events), .join(.test(1, limit: 100), loop: 0)], now: 0)
    #expect(loads(hub, now: 0) == [HistoryLimits.tail])
    hub.handle([.loaded(RoomModel.room.id, model.tail(newest: HistoryLimits.tail))], now: 0)
    #expect(view(of: 1, in: loop.deliveries)?.frames == 100)
    var now: Milliseconds = 10
    for (id, request) in [(2, JoinRequest.test(2, limit: 500)), (3, .test(3, since: 250)), (4, .test(4, limit: 200))] {
      hub.handle([.join(request, loop: 0)], now: now)
      #expect(view(of: UInt64(id), in: loop.deliveries) == nil)
      #expect(loads(hub, now: now) == [HistoryLimits.block])
      hub.handle([.loaded(RoomModel.room.id, model.tail())], now: now)
      let expected = request.since.map(model.replay)?.count ?? request.limit
      #expect(view(of: UInt64(id), in: loop.deliveries)?.frames == min(expected, model.newest(1_000).count))
      // Some time later it is as long as it usually is.
      now += 100_000
      hub.handle([], now: now)
    }
    hub.handle([.join(.test(5, limit: 150), loop: 0)], now: now)
    #expect(loads(hub, now: now).isEmpty && view(of: 5, in: loop.deliveries)?.frames == 150)
  }

  @Test func twoThousandJoinsAreOneLoad() {
    var model = RoomModel()
    for _ in 0..<10 { model.send() }
    let (hub, loop) = hub()
    hub.handle((1...2_000).map { .join(.test($0, since: Int64($0 % 10)), loop: 0) }, now: 0)
    #expect(hub.takeJobs(now: 0).count == 1)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    hub.handle([.join(.test(3_000), loop: 0)], now: 0)
    #expect(hub.takeJobs(now: 0).isEmpty)
    #expect(loop.deliveries.count == 2_001)
  }

  @Test func aFailedLoadRefusesTheWaitingAndIsRememberedForAMoment() {
    let (hub, loop) = hub()
    hub.handle([.join(.test(1), loop: 0)], now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loadFailed(RoomModel.room.id, .unavailable("x"))], now: 0)
    hub.handle([.join(.test(2), loop: 0)], now: 50)
    #expect(hub.takeJobs(now: 50).isEmpty)
    #expect(loop.deliveries.count == 2)
    hub.handle([.join(.test(3), loop: 0)], now: 200)
    #expect(hub.takeJobs(now: 200).count == 1)
  }

  /// Hazard 12: a reader that is stuck must not keep joins for ever.
  @Test func joinsThatWaitTooLongAreRefusedAndTheirRoomsAreNotReadAnyMore() {
    let (hub, loop) = hub()
    let wait = RoomHub.Limits().joinPatience
    for room in 1...20 { hub.handle([.join(.test(UInt64(room), room: .test(RoomID(room))), loop: 0)], now: 0) }
    #expect(hub.takeJobs(now: 0).count == 16, "the others wait for their turn")
    hub.handle([.join(.test(100, room: .test(1)), loop: 0)], now: wait / 2)
    #expect(hub.nextTick(now: wait / 2) <= 500)
    hub.handle([], now: wait)
    #expect(loop.deliveries.count == 20, "all but the one that came later")
    hub.handle([.loadFailed(1, .unavailable("x")), .loadFailed(2, .unavailable("x"))], now: wait)
    #expect(loop.deliveries.count == 21)
    #expect(hub.takeJobs(now: wait).isEmpty, "nobody waits for what was queued")
    hub.handle([.join(.test(200, room: .test(20)), loop: 0)], now: wait)
    #expect(hub.takeJobs(now: wait).count == 1)
  }

  @Test func aSkippedEventInterruptsTheSubscribers() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    let (hub, loop) = hub()
    hub.handle([.events(Array(model.events[..<3])), .join(.test(1), loop: 0)], now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    for _ in 0..<9 { model.send() }
    hub.handle([.fetched(lane: 0, Array(model.events[8...]), after: 3)], now: 0)
    guard case .interrupt = loop.deliveries.last else {
      Issue.record("not interrupted")
      return
    }
  }

  /// What is trimmed while a tail is on its way is in none of the events that follow.
  @Test func aTailThatWasReadBeforeASkipIsReadAgain() {
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    let (hub, loop) = hub()
    hub.handle([.events(model.events), .join(.test(1), loop: 0)], now: 0)
    _ = hub.takeJobs(now: 0)
    let old = model.tail()
    for _ in 0..<3 { model.send() }
    hub.handle([.heads([LaneHead(lane: 0, head: 6, indexed: 6)])], now: 10)
    #expect(hub.takeJobs(now: 100).count == 1)
    hub.handle([.fetched(lane: 0, [], after: 3)], now: 110)
    hub.handle([.heads([LaneHead(lane: 0, head: 6, indexed: 6)])], now: 300)
    hub.handle([.loaded(RoomModel.room.id, old)], now: 310)
    #expect(loop.deliveries.isEmpty)
    #expect(hub.takeJobs(now: 320).count == 1, "the tail is read again")
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 330)
    #expect(view(of: 1, in: loop.deliveries)?.last == 6)
  }

  @Test func aRemovalEndsThatUsersSubscriptions() {
    var model = RoomModel()
    model.send()
    let (hub, loop) = hub()
    hub.handle([.events(model.events), .join(.test(1), loop: 0)], now: 0)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    var removed = model.events[0]
    removed.kind = .removal
    removed.event = 2
    removed.position = 2
    hub.handle([.events([removed])], now: 0)
    guard case .evict(_, 1) = loop.deliveries.last else {
      Issue.record("not evicted")
      return
    }
  }
  // MARK: Beside other servers

  private func hubBesideOthers() -> (HubState, Loop) {
    let windows = RoomWindows()
    windows.setAlone { false }
    let hub = HubState(limits: .init(), metrics: HubMetrics(Metrics()), windows: windows)
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    let loop = Loop()
    _ = hub.attach(loop)
    return (hub, loop)
  }

  private func takeLook(_ hub: HubState, now: Milliseconds) -> Bool {
    hub.takeJobs(now: now).contains { if case .look = $0 { true } else { false } }
  }

  /// The deletion was acknowledged elsewhere before the join, and the bus has not brought it yet.
  @Test func aJoinIsNotShownWhatWasDeletedElsewhereBefore() throws {
    let (hub, loop) = hubBesideOthers()
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    let tail = model.tail()
    hub.handle([.events(model.events), .join(.test(1), loop: 0)], now: 0)
    #expect(takeLook(hub, now: 0))
    hub.handle([.looked([LaneHead(lane: 0, head: 3, indexed: 0)])], now: 1)
    _ = hub.takeJobs(now: 1)
    hub.handle([.loaded(RoomModel.room.id, tail)], now: 1)
    #expect(view(of: 1, in: loop.deliveries)?.frames == 3)
    model.delete(2)
    hub.handle([.join(.test(2), loop: 0)], now: 10)
    #expect(takeLook(hub, now: 10))
    hub.handle([.looked([LaneHead(lane: 0, head: 4, indexed: 0)])], now: 12)
    #expect(view(of: 2, in: loop.deliveries) == nil, "the tail here still has the text")
    hub.handle([], now: JoinGate.lookPatience + 20)
    #expect(view(of: 2, in: loop.deliveries) == nil, "what is known to be there is waited for")
    hub.handle([.events(Array(model.events[3...]))], now: JoinGate.lookPatience + 30)
    #expect(view(of: 2, in: loop.deliveries)?.frames == 2)
  }

  @Test func joinsThatComeDuringALookShareTheNext() {
    let (hub, _) = hubBesideOthers()
    hub.handle([.join(.test(1), loop: 0), .join(.test(2), loop: 0)], now: 0)
    #expect(takeLook(hub, now: 0))
    hub.handle([.join(.test(3), loop: 0), .join(.test(4), loop: 0)], now: 1)
    #expect(!takeLook(hub, now: 1), "one look at a time")
    hub.handle([.looked([LaneHead(lane: 0, head: 0, indexed: 0)])], now: 2)
    #expect(takeLook(hub, now: 2), "what was read before they came says nothing to them")
    hub.handle([.looked([LaneHead(lane: 0, head: 0, indexed: 0)])], now: 3)
    #expect(!takeLook(hub, now: 3))
  }

  /// The database hangs: joins get what is in memory.
  @Test func aJoinTakesWhatThereIsAfterAWhile() {
    let (hub, loop) = hubBesideOthers()
    var model = RoomModel()
    for _ in 0..<3 { model.send() }
    hub.handle([.events(model.events), .join(.test(1), loop: 0), .join(.test(2), loop: 0)], now: 0)
    #expect(takeLook(hub, now: 0))
    hub.handle([.leave(SubscriptionID(2), room: RoomModel.room.id, loop: 0)], now: 1)
    hub.handle([], now: JoinGate.lookPatience)
    _ = hub.takeJobs(now: JoinGate.lookPatience)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: JoinGate.lookPatience)
    #expect(view(of: 1, in: loop.deliveries)?.frames == 3)
    #expect(view(of: 2, in: loop.deliveries) == nil)
    hub.handle([.looked(nil), .join(.test(3), loop: 0)], now: JoinGate.lookPatience + 1)
    #expect(takeLook(hub, now: JoinGate.lookPatience + 1))
    hub.handle([.looked(nil)], now: JoinGate.lookPatience + 2)
    #expect(view(of: 3, in: loop.deliveries)?.frames == 3, "an error is not waited for")
  }
}
