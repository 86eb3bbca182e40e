import Dispatch
import Foundation

/// A bounded cache in memory with one load in flight for each key.
///
/// A load that began before an invalidation answers those who waited for it then, but is not kept, and nobody who comes
/// later waits for it: what it read may be old.
final class MemoryCache<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
  private struct Entry {
    var value: Value
    var deadline: UInt64
    /// Until then it stands in where it cannot be loaded.
    var end: UInt64
  }

  private final class Flight {
    var waiters: [CheckedContinuation<Result<Value, any Error>, Never>] = []
  }

  private enum Lookup {
    case found(Value)
    case mustLoad(Flight)
    case mustWait(Flight)
  }

  private let lock = NSLock()
  private let capacity: Int
  private let lifetime: (Value) -> Int
  private let standIn: (Value) -> Int
  private let mayStandIn: (any Error) -> Bool
  private let clock: () -> UInt64
  private var entries: [Key: Entry] = [:]
  private var flights: [Key: Flight] = [:]
  /// As many entries later those whose time is over are dropped: memory follows what is in use.
  private var nextPurge: Int
  private static var leastPurged: Int { 256 }

  /// - Parameters:
  ///   - capacity: values kept at once.
  ///   - clock: nanoseconds that only rise.
  ///   - lifetime: milliseconds that a value is kept; 0 for not at all.
  ///   - standIn: milliseconds from its load on that a value is given where a load fails by an error of a certain sort.
  init(
    capacity: Int, clock: @escaping () -> UInt64 = { DispatchTime.now().uptimeNanoseconds },
    standIn: @escaping (Value) -> Int = { _ in 0 }, after mayStandIn: @escaping (any Error) -> Bool = { _ in false },
    lifetime: @escaping (Value) -> Int
  ) {
    self.capacity = capacity
    self.standIn = standIn
    self.mayStandIn = mayStandIn
    nextPurge = min(capacity, Self.leastPurged)
    self.clock = clock
    self.lifetime = lifetime
  }

  /// The value of a key, loaded if need be.
  func value(for key: Key, load: () async throws -> Value) async throws -> Value {
    while true {
      switch lookUp(key) {
      case .found(let value): return value
      case .mustLoad(let flight): return try await lead(flight, key, load)
      case .mustWait(let flight):
        do {
          return try await wait(for: flight, key).get()
        } catch is CancellationError {
          // The one who loaded was cancelled, which says nothing about this caller.
          try Task.checkCancellation()
        }
      }
    }
  }

  /// The value of a key if it is here; `nil` if it would have to be loaded.
  func valueInMemory(for key: Key) -> Value? {
    lock.withLock { entries[key].flatMap { $0.deadline > clock() ? $0.value : nil } }
  }

  func remove(_ key: Key) {
    lock.withLock {
      entries[key] = nil
      flights[key] = nil
    }
  }

  /// Values held, those included whose time is over.
  var count: Int { lock.withLock { entries.count } }

  /// Takes time by the number of values.
  func removeAll(where isMeant: (Key) -> Bool) {
    lock.withLock {
      entries = entries.filter { !isMeant($0.key) }
      flights = flights.filter { !isMeant($0.key) }
    }
  }

  private func lookUp(_ key: Key) -> Lookup {
    lock.withLock {
      if let entry = entries[key], entry.deadline > clock() { return .found(entry.value) }
      if let flight = flights[key] { return .mustWait(flight) }
      let flight = Flight()
      flights[key] = flight
      return .mustLoad(flight)
    }
  }

  private func lead(_ flight: Flight, _ key: Key, _ load: () async throws -> Value) async throws -> Value {
    let loaded: Result<Value, any Error>
    do { loaded = .success(try await load()) } catch { loaded = .failure(error) }
    let (result, waiters) = land(flight, key, loaded)
    for waiter in waiters { waiter.resume(returning: result) }
    return try result.get()
  }

  private func land(
    _ flight: Flight, _ key: Key, _ loaded: Result<Value, any Error>
  ) -> (result: Result<Value, any Error>, waiters: [CheckedContinuation<Result<Value, any Error>, Never>]) {
    lock.withLock {
      var result = loaded
      if flights[key] === flight {
        flights[key] = nil
        switch loaded {
        case .success(let value): keep(value, for: key)
        case .failure(let error) where mayStandIn(error):
          if let entry = entries[key], entry.end > clock() { result = .success(entry.value) }
        case .failure: break
        }
      }
      defer { flight.waiters = [] }
      return (result, flight.waiters)
    }
  }

  private func keep(_ value: Value, for key: Key) {
    let milliseconds = lifetime(value)
    guard milliseconds > 0 else {
      // What was there is no stand-in any more.
      entries[key] = nil
      return
    }
    let now = clock()
    if entries.count >= nextPurge {
      entries = entries.filter { $0.value.end > now }
      if entries.count >= capacity { entries = entries.filter { $0.value.deadline > now } }
      if entries.count >= capacity { entries.removeAll() }
      nextPurge = min(capacity, max(Self.leastPurged, 2 * entries.count))
    }
    let (deadline, end) = (now + UInt64(milliseconds) * 1_000_000, now + UInt64(standIn(value)) * 1_000_000)
    entries[key] = Entry(value: value, deadline: deadline, end: max(deadline, end))
  }

  private func wait(for flight: Flight, _ key: Key) async -> Result<Value, any Error> {
    await withCheckedContinuation { continuation in
      let hasLanded = lock.withLock {
        // It may have landed, or been overtaken by an invalidation, since it was found.
        guard flights[key] === flight else { return true }
        flight.waiters.append(continuation)
        return false
      }
      if hasLanded { continuation.resume(returning: .failure(CancellationError())) }
    }
  }
}
