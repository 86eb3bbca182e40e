import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct SharedTailTests {
  /// The database and the history as the model has them, counting reads.
  final class Store: Journal, History, @unchecked Sendable {
    private let lock = NSLock()
    private var model: RoomModel
    private(set) var historyReads = 0
    private(set) var flushes = 0
    /// Set before use: what the journal still keeps, and whether the history answers.
    var firstKept: Int64 = 1
    var isHistoryDown = false
    /// Reads of the history end only by being cancelled.
    var isHistoryStuck = false
    private(set) var readsUnderWay = 0
    private(set) var mostReads = 0

    init(_ model: RoomModel) { self.model = model }

    func update(_ body: (inout RoomModel) -> Void) { lock.withLock { body(&model) } }
    private var now: RoomModel { lock.withLock { model } }

    var laneCount: Int { 1 }
    func makeCommitter() -> any JournalCommitter { JournalWriterTests.Committer([]) }
    func flush() async throws { lock.withLock { flushes += 1 } }
    func heads() async throws -> [LaneHead] { [] }
    func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] { [] }
    func position(of room: RoomID) async throws -> RoomPosition? { now.position }
    func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] {
      now.messages.filter { seqs.contains($0.seq) && $0.seq >= firstKept }
    }
    func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] {
      now.messages.filter { seqs.contains($0.seq) && $0.seq >= firstKept }
    }
    func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] {
      Array(now.changes.filter { $0.event > event }.prefix(limit))
    }
    func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
      lock.withLock { historyReads += 1 }
      if isHistoryDown { throw ChatError.unavailable("The history") }
      lock.withLock {
        readsUnderWay += 1
        mostReads = max(mostReads, readsUnderWay)
      }
      defer { lock.withLock { readsUnderWay -= 1 } }
      if isHistoryStuck { try await Task.sleep(for: .seconds(3_600)) }
      try await Task.sleep(for: .milliseconds(50))
      return now.messages.filter { seqs.contains($0.seq) }
    }
    func messages(in room: Room, seqs: [Int64]) async throws -> [Message] {
      now.messages.filter { seqs.contains($0.seq) }
    }
  }

  actor Exchange: TailExchange {
    var left: [RoomID: [UInt8]] = [:]
    var holder: String?
    var isDown = false

    func goDown() { isDown = true }
    func damage() { left = left.mapValues { Array($0.dropLast()) } }
    func tail(of room: RoomID) async -> [UInt8]? { isDown ? nil : left[room] }
    func lease(_ room: RoomID) async -> TailLease {
      if isDown { return .unavailable }
      if holder != nil { return .taken }
      let token = UUID().uuidString
      holder = token
      return .granted(token: token)
    }
    func leave(_ tail: [UInt8], room: RoomID, token: String) async {
      left[room] = tail
      if holder == token { holder = nil }
    }
    func release(room: RoomID, token: String) async { if holder == token { holder = nil } }
  }

  private func model(_ steps: Int, seed: UInt64) -> RoomModel {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    for _ in 0..<steps { model.step(using: &random) }
    return model
  }

  private func loader(_ store: Store, _ exchange: Exchange) -> SharedTailLoader {
    SharedTailLoader(
      base: TailLoader(journal: store, history: store), exchange: exchange, reused: Counter(),
      patience: .seconds(60))
  }

  @Test func tenServersAtOnceReadTheHistoryOnce() async throws {
    let store = Store(model(300, seed: 1))
    let exchange = Exchange()
    try await withThrowingTaskGroup(of: Int64.self) { group in
      for _ in 0..<10 {
        group.addTask {
          try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block).position.lastEvent
        }
      }
      for try await lastEvent in group { #expect(lastEvent == 300) }
    }
    #expect(store.historyReads == 1)
  }

  @Test(arguments: 0..<8) func whatWasLeftIsBroughtToThePresent(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let store = Store(model(Int.random(in: 0...200, using: &random), seed: seed))
    let exchange = Exchange()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    store.update { model in for _ in 0..<100 { model.step(using: &random) } }
    var tail = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    var expected = RoomModel()
    store.update { expected = $0 }
    #expect(store.historyReads <= 1)
    for _ in 0..<10 {
      let since = Int64.random(in: 0...expected.position.lastEvent, using: &random)
      let frames = tail.answer(.test(since: since)).frames
      #expect(frames.flatMap(\.bytes) == expected.replay(after: since).flatMap(\.bytes))
    }
  }

  @Test func withoutTheExchangeOrWithDamagedValuesEachServerReads() async throws {
    let store = Store(model(50, seed: 3))
    let exchange = Exchange()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    await exchange.damage()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    await exchange.goDown()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    #expect(store.historyReads == 3)
  }

  @Test func whileTheHistoryIsDownATailIsWhatTheJournalKeepsAndIsNotShared() async throws {
    var model = RoomModel()
    for _ in 0..<10 { model.send() }
    let store = Store(model)
    store.firstKept = 8
    store.isHistoryDown = true
    let exchange = Exchange()
    var tail = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    #expect(tail.isPartial)
    #expect(tail.contents.messages.map(\.seq) == [8, 9, 10])
    #expect(!tail.answer(.test(since: nil)).state.isComplete)
    #expect(tail.answer(.test(since: 7)).state.isComplete)
    #expect(!tail.answer(.test(since: 6)).state.isComplete)
    let left = await exchange.left
    #expect(left.isEmpty)
  }

  /// Hazard 12: the one that reads is stuck, and the others neither wait for ever nor read beside it.
  @Test func whileTheHistoryIsStuckServersReadOneAfterTheOtherAndMakeDoWithTheJournal() async throws {
    var model = RoomModel()
    for _ in 0..<10 { model.send() }
    let store = Store(model)
    store.firstKept = 8
    store.isHistoryStuck = true
    let exchange = Exchange()
    let base = TailLoader(journal: store, history: store, patience: .milliseconds(100))
    let shared = SharedTailLoader(base: base, exchange: exchange, reused: Counter(), patience: .seconds(60))
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<3 { group.addTask { try await shared.load(RoomModel.room, newest: HistoryLimits.block).isPartial } }
      for try await isPartial in group { #expect(isPartial) }
    }
    #expect(store.mostReads == 1)
  }

  @Test("Hazard 13: a tail that cannot be brought to the present without a hole is not used")
  func aTailWithAHoleIsReadAnew() async throws {
    let store = Store(model(50, seed: 4))
    let exchange = Exchange()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    store.update { model in for _ in 0..<20 { model.send() } }
    var expected = RoomModel()
    store.update { expected = $0 }
    // All but the newest of what followed is in the journal no more.
    store.firstKept = expected.position.lastSeq
    let tail = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    #expect(store.historyReads == 2)
    #expect(tail.contents.messages.map(\.seq) == expected.messages.map(\.seq))
  }

  @Test func timesOutlastEachOther() {
    let lease = Duration.milliseconds(HistoryPatience.leaseMilliseconds)
    #expect(HistoryPatience.read < lease && lease < HistoryPatience.exchange)
    #expect(HistoryPatience.exchange < .milliseconds(HistoryPatience.join))
    #expect(HistoryPatience.read * 2 < .milliseconds(HistoryPatience.join))
  }

  /// Hazard 6: what was read may not be durable yet, and a crash would take it back.
  @Test func whatIsReadIsDurableBeforeItIsToldToAnybody() async throws {
    let store = Store(model(20, seed: 1))
    let exchange = Exchange()
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    #expect(store.flushes == 1)
    store.update { $0.send() }
    _ = try await loader(store, exchange).load(RoomModel.room, newest: HistoryLimits.block)
    #expect(store.flushes == 2, "a tail that another server left is brought up to date by a read, too")
  }
}
