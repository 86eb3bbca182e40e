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
  init(
    capacity: Int, clock: @escaping () -> UInt64 = { DispatchTime.now().uptimeNanoseconds },
    lifetime: @escaping (Value) -> Int
  ) {
    self.capacity = capacity
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
    let result: Result<Value, any Error>
    do { result = .success(try await load()) } catch { result = .failure(error) }
    for waiter in land(flight, key, result) { waiter.resume(returning: result) }
    return try result.get()
  }

  private func land(
    _ flight: Flight, _ key: Key, _ result: Result<Value, any Error>
  ) -> [CheckedContinuation<Result<Value, any Error>, Never>] {
    lock.withLock {
      if flights[key] === flight {
        flights[key] = nil
        if case .success(let value) = result { keep(value, for: key) }
      }
      defer { flight.waiters = [] }
      return flight.waiters
    }
  }

  private func keep(_ value: Value, for key: Key) {
    let milliseconds = lifetime(value)
    guard milliseconds > 0 else { return }
    let now = clock()
    if entries.count >= nextPurge {
      entries = entries.filter { $0.value.deadline > now }
      if entries.count >= capacity { entries.removeAll() }
      nextPurge = min(capacity, max(Self.leastPurged, 2 * entries.count))
    }
    entries[key] = Entry(value: value, deadline: now + UInt64(milliseconds) * 1_000_000)
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
