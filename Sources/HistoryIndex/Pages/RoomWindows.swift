import ChatRooms
import Drivers
import Foundation

/// The rooms whose pages this server makes from memory.
///
/// The hub makes a room's window from its tail and hands it the room's events in order. What is committed here reaches
/// it before it is acknowledged, so that who has sent a message finds it in the next page. What other servers commit
/// reaches it as it reaches those who follow the room: beside other servers a window answers only where the room's lane
/// stands at the head that the database has shown since the page was asked for. While this server knows that it lacks
/// something, or has not heard from the database for a second, the stores are asked.
public final class RoomWindows: @unchecked Sendable {
  struct Limits: Sendable {
    /// A room that nobody asks for keeps its window this long.
    var idle: Milliseconds = 60_000
    /// Bytes that all windows may hold, about, what they share with tails included.
    var bytes = 64 << 20
    /// Bytes of those that older messages may take; each window has an equal part.
    var olderBytes = 2 << 20
    /// How old the newest look at the lanes' heads may be.
    var headAge: Milliseconds = 1_000
    /// How long a request waits for a window rather than asking the stores by itself.
    var patience: Milliseconds = 1_000
    /// Having seen others write, this server asks the database for so long, whatever is said of its being alone: one
    /// that has lost the bus writes unheard.
    var company: Milliseconds = 60_000
    /// Rooms that were asked for once, remembered to tell a second time.
    var asked = 10_000
  }

  private typealias Waiter = (continuation: CheckedContinuation<Void, Never>, since: Milliseconds)

  private let limits: Limits
  private let lock = NSLock()
  private var windows: [RoomID: RoomWindow] = [:]
  private var asked: [RoomID: Milliseconds] = [:]
  private var waiting: [RoomID: [Waiter]] = [:]
  private var behindLanes: Set<Int> = []
  private var headsSeen: Milliseconds = 0
  /// Positions up to which each lane's events were handed on.
  private var delivered: [Int64] = []
  private var isAloneNow: @Sendable () -> Bool = { true }
  private var othersSeen: Milliseconds = .min / 2
  private var isHearingNow: @Sendable () -> Bool = { true }
  /// Since when nothing that others say has been lost, as far as is known.
  private var hearingSince: Milliseconds = 0

  init(limits: Limits = Limits()) { self.limits = limits }

  /// Milliseconds of a clock that never goes back.
  public static func now() -> Milliseconds { Milliseconds(MonotonicClock.now) }

  // MARK: Pages

  /// No other server writes at the moment, nor did a while ago.
  var isAlone: Bool {
    let (isAlone, seen) = lock.withLock { (isAloneNow, othersSeen) }
    return isAlone() && Self.now() - seen >= limits.company
  }

  /// Notes that another server has written something.
  public func sawOthers() { lock.withLock { othersSeen = Self.now() } }

  /// Tells when no other server writes: always, unless this is called. Call it before `run`.
  public func setAlone(_ isAlone: @escaping @Sendable () -> Bool) { lock.withLock { isAloneNow = isAlone } }

  /// Tells whether what other servers say is heard: always, unless this is called. Call it before `run`.
  public func setHearing(_ isHearing: @escaping @Sendable () -> Bool) { lock.withLock { isHearingNow = isHearing } }

  /// What other servers say is heard from now on; what they said before may have been lost.
  public func beganHearing(now: Milliseconds = RoomWindows.now()) { lock.withLock { hearingSince = now } }

  /// A room's window, where it is as new as anything that a server alone can know.
  func current(_ room: Room, now: Milliseconds) -> RoomWindow? {
    lock.withLock {
      guard !behindLanes.contains(room.lane), now - headsSeen <= limits.headAge else { return nil }
      return windows[room.id]
    }
  }

  /// A room's window, where it has everything up to a head of the room's lane.
  func current(_ room: Room, reaching head: Int64) -> RoomWindow? {
    lock.withLock {
      guard delivered.indices.contains(room.lane), delivered[room.lane] >= head else { return nil }
      return windows[room.id]
    }
  }

  /// A room's window, where it has everything from before the database went away: what others said since the lanes' heads
  /// were last seen has been heard.
  func latest(_ room: Room) -> RoomWindow? {
    let (isHearing, window) = lock.withLock {
      let isWhole = headsSeen >= hearingSince && !behindLanes.contains(room.lane)
      return (isHearingNow, isWhole ? windows[room.id] : nil)
    }
    return isHearing() ? window : nil
  }

  func has(_ room: RoomID) -> Bool { lock.withLock { windows[room] != nil } }

  /// Notes that a room was asked for. Returns whether it had been not long ago.
  func ask(_ room: RoomID, now: Milliseconds) -> Bool {
    lock.withLock {
      defer {
        if asked.count >= limits.asked { asked = asked.filter { now - $0.value < limits.idle } }
        if asked.count >= limits.asked { asked = [:] }
        asked[room] = now
      }
      return asked[room].map { now - $0 < limits.idle } ?? false
    }
  }

  /// Returns once the room has a window, or will not have one soon.
  ///
  /// - Parameter begin: asks for the window, once nothing that becomes of it can be missed.
  func wait(for room: RoomID, now: Milliseconds, begin: () -> Void) async {
    await withCheckedContinuation { continuation in
      lock.withLock { waiting[room, default: []].append((continuation, now)) }
      begin()
    }
  }

  // MARK: From any thread

  /// Events that were committed here or told by the bus.
  func heard(_ events: [RoomEvent]) {
    lock.lock()
    guard !windows.isEmpty else { return lock.unlock() }
    let touched = events.compactMap { event in windows[event.room].map { ($0, event) } }
    lock.unlock()
    for (window, event) in touched { window.heard(event) }
  }

  /// Forgets everything, as after a restore of the database.
  public func forgetAll() { lock.withLock { windows = [:] } }

  // MARK: From the hub's thread

  func publish(_ window: RoomWindow) { lock.withLock { windows[window.room.id] = window } }

  /// What the older messages of a window may take, if there is one more.
  var olderBytesOfNext: Int { lock.withLock { limits.olderBytes / (windows.count + 1) } }

  /// Tells a room's window of a block that the room's tail has.
  func share(_ block: MessageBlock, of room: RoomID) { lock.withLock { windows[room] }?.share(block) }

  /// Everything that was committed here before the window was made has been applied.
  func confirm(_ window: RoomWindow) {
    window.confirm()
    release(window.room.id)
  }

  /// Lets those go on that wait for a window.
  func release(_ room: RoomID) {
    let waiters = lock.withLock { waiting.removeValue(forKey: room) ?? [] }
    for waiter in waiters { waiter.continuation.resume() }
  }

  /// A room's next event.
  func deliver(_ event: RoomEvent) {
    guard let window = lock.withLock({ windows.isEmpty ? nil : windows[event.room] }) else { return }
    if !window.apply(event) { drop(window) }
  }

  private func drop(_ window: RoomWindow) {
    lock.withLock { if windows[window.room.id] === window { windows[window.room.id] = nil } }
  }

  /// Events of that lane were skipped.
  func dropLane(_ lane: Int) { lock.withLock { windows = windows.filter { $0.value.room.lane != lane } } }

  func sawHeads(now: Milliseconds) { lock.withLock { headsSeen = now } }

  /// - Parameters:
  ///   - delivered: positions up to which each lane's events were handed on.
  ///   - behind: lanes in which events are known that have not come yet.
  func setLanes(delivered: [Int64], behind: Set<Int>) {
    lock.withLock {
      self.delivered = delivered
      behindLanes = behind
    }
  }

  var hasWaiters: Bool { lock.withLock { !waiting.isEmpty } }

  /// Sends those away who have waited for long.
  func expire(now: Milliseconds) {
    let late = lock.withLock {
      let rooms = waiting.filter { $0.value.contains { now - $0.since >= limits.patience } }.map(\.key)
      return rooms.flatMap { waiting.removeValue(forKey: $0) ?? [] }
    }
    for waiter in late { waiter.continuation.resume() }
  }

  /// Bytes held, what they share with tails included.
  var byteCount: Int { lock.withLock { Array(windows.values) }.reduce(0) { $0 + $1.byteCount } }

  /// Forgets windows that nobody uses, and the longest unused where they hold too much.
  func sweep(now: Milliseconds) {
    let present = lock.withLock { Array(windows.values) }
    for window in present { window.limitOlder(to: limits.olderBytes / present.count) }
    let all = present.map { ($0, used: $0.lastUse, bytes: $0.byteCount) }
    var bytes = all.reduce(0) { $0 + $1.bytes }
    for (window, used, size) in all.sorted(by: { $0.used < $1.used })
    where now - used >= limits.idle || bytes > limits.bytes {
      bytes -= size
      drop(window)
    }
  }

  /// For the end of the hub: nobody answers any more.
  func close() {
    let rooms = lock.withLock { Array(waiting.keys) }
    for room in rooms { release(room) }
  }
}
