import Foundation
import RedisTesting
import Testing

@testable import ChatRooms

/// A place where a test holds loads back.
final class Gate: @unchecked Sendable {
  private let lock = NSLock()
  private var isOpen = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func pass() async {
    await withCheckedContinuation { continuation in
      let mayPass = lock.withLock {
        if !isOpen { waiting.append(continuation) }
        return isOpen
      }
      if mayPass { continuation.resume() }
    }
  }

  var waiters: Int { lock.withLock { waiting.count } }

  func open() {
    let waiting = lock.withLock {
      isOpen = true
      defer { self.waiting = [] }
      return self.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

@Suite struct MemoryCacheTests {
  private struct Broken: Error {}

  private final class Clock: @unchecked Sendable {
    var nanoseconds: UInt64 = 0
  }

  @Test func manyWhoAskAtOnceCauseOneLoad() async throws {
    let cache = MemoryCache<Int, Int>(capacity: 10, clock: { 0 }, lifetime: { _ in 1_000 })
    let (gate, loads) = (Gate(), Collected<Int>())
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<500 {
        group.addTask {
          try await cache.value(for: 1) {
            loads.append(1)
            await gate.pass()
            return 42
          }
        }
      }
      #expect(await eventually { gate.waiters == 1 })
      gate.open()
      for try await value in group { #expect(value == 42) }
    }
    #expect(loads.all.count == 1)
  }

  @Test func aLoadThatBeganBeforeAnInvalidationIsNotKept() async throws {
    let cache = MemoryCache<Int, String>(capacity: 10, clock: { 0 }, lifetime: { _ in 1_000 })
    let gate = Gate()
    async let old = cache.value(for: 1) {
      await gate.pass()
      return "old"
    }
    #expect(await eventually { gate.waiters == 1 })
    cache.removeAll { $0 == 1 }
    #expect(try await cache.value(for: 1) { "new" } == "new")
    gate.open()
    #expect(try await old == "old")
    #expect(try await cache.value(for: 1) { "newer" } == "new")
  }

  @Test func valuesEndWithTheirTime() async throws {
    let clock = Clock()
    let cache = MemoryCache<Int, Int>(capacity: 10, clock: { clock.nanoseconds }, lifetime: { $0 == 0 ? 0 : 5 })
    #expect(try await cache.value(for: 1) { 1 } == 1)
    clock.nanoseconds = 4_999_999
    #expect(try await cache.value(for: 1) { 2 } == 1)
    clock.nanoseconds = 5_000_000
    #expect(try await cache.value(for: 1) { 0 } == 0)
    #expect(try await cache.value(for: 1) { 3 } == 3)
  }

  @Test func aFailureReachesAllWhoWaitAndIsNotKept() async throws {
    let cache = MemoryCache<Int, Int>(capacity: 10, clock: { 0 }, lifetime: { _ in 1_000 })
    await #expect(throws: Broken.self) { try await cache.value(for: 1) { throw Broken() } }
    #expect(try await cache.value(for: 1) { 1 } == 1)
  }

  @Test func oneCallersCancellationIsNotTheOthers() async throws {
    let cache = MemoryCache<Int, Int>(capacity: 10, clock: { 0 }, lifetime: { _ in 1_000 })
    let gate = Gate()
    async let cancelled = try? cache.value(for: 1) {
      await gate.pass()
      throw CancellationError()
    }
    #expect(await eventually { gate.waiters == 1 })
    async let patient = cache.value(for: 1) { 7 }
    gate.open()
    #expect(try await patient == 7)
    #expect(await cancelled == nil)
  }

  @Test func whatIsOverIsDropped() async throws {
    let clock = Clock()
    let cache = MemoryCache<Int, Int>(capacity: 20_000, clock: { clock.nanoseconds }, lifetime: { _ in 5 })
    for key in 0..<5_000 {
      clock.nanoseconds += 1_000_000
      _ = try await cache.value(for: key) { key }
    }
    #expect(cache.count <= 256)
    for key in 0..<5_000 { _ = try await cache.value(for: key) { key } }
    #expect(cache.count >= 5_000, "what is in use is kept")
  }

  @Test func itHoldsNoMoreThanItsCapacity() async throws {
    let cache = MemoryCache<Int, Int>(capacity: 3, clock: { 0 }, lifetime: { _ in 1_000 })
    for key in 0..<100 { #expect(try await cache.value(for: key) { key } == key) }
    #expect(try await cache.value(for: 99) { -1 } == 99)
    #expect(try await cache.value(for: 0) { -1 } == -1)
  }

  @Test func aValueWhoseTimeIsOverStandsInWhereItCannotBeLoaded() async throws {
    let clock = Clock()
    let cache = MemoryCache<Int, Int>(
      capacity: 10, clock: { clock.nanoseconds }, standIn: { $0 > 0 ? 60_000 : 0 }, after: { $0 is Broken },
      lifetime: { _ in 1_000 })
    for key in 0...2 { _ = try await cache.value(for: key) { key } }
    cache.remove(2)
    for seconds in [2, 59] as [UInt64] {
      clock.nanoseconds = seconds * 1_000_000_000
      #expect(cache.valueInMemory(for: 1) == nil)
      #expect(try await cache.value(for: 1) { throw Broken() } == 1)
      await #expect(throws: CancellationError.self) { try await cache.value(for: 1) { throw CancellationError() } }
      await #expect(throws: Broken.self) { try await cache.value(for: 0) { throw Broken() } }
      await #expect(throws: Broken.self) { try await cache.value(for: 2) { throw Broken() } }
    }
    // To stand in is no news: its time goes on.
    clock.nanoseconds = 61 * 1_000_000_000
    await #expect(throws: Broken.self) { try await cache.value(for: 1) { throw Broken() } }
  }

  @Test func whatIsGoneAtALaterLoadIsNoStandIn() async throws {
    let clock = Clock()
    let cache = MemoryCache<Int, Int?>(
      capacity: 10, clock: { clock.nanoseconds }, standIn: { $0 == nil ? 0 : 60_000 }, after: { $0 is Broken },
      lifetime: { $0 == nil ? 0 : 1_000 })
    _ = try await cache.value(for: 1) { 1 }
    clock.nanoseconds = 2_000_000_000
    #expect(try await cache.value(for: 1) { nil } == nil)
    await #expect(throws: Broken.self) { try await cache.value(for: 1) { throw Broken() } }
  }
}
