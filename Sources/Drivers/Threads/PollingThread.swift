import Foundation

/// What a polling thread looks after, beside others. Everything is called on that thread.
public protocol PolledWork: AnyObject {
  /// When it wants a turn at the latest, though no descriptor is ready until then (see `MonotonicClock`). `.max`: not at
  /// all. What has passed means at once.
  var due: Int64 { get }
  /// A descriptor that it has the thread watch is ready. A turn follows where that makes one due.
  func ready(_ descriptor: Int32, _ event: Poller.Event)
  /// Does what is due.
  func turn()
  /// The thread ends.
  func end()
}

/// A thread that waits for the descriptors of several at once. Whoever asks something of a neighbour on the same thread
/// has nobody to wake, and is not woken by its answer.
public final class PollingThread: @unchecked Sendable {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    unsafe pthread_key_create(&key, nil)
    return key
  }()

  /// The one on which this is asked; `nil` on any other thread.
  public static var current: PollingThread? {
    unsafe pthread_getspecific(key).map { unsafe Unmanaged<PollingThread>.fromOpaque($0).takeUnretainedValue() }
  }

  private let poller: Poller
  private let mailbox: Mailbox<@Sendable () -> Void>
  private let lock = NSLock()
  private var isClosed = false
  // Set once, before anybody else sees this.
  private var thread: WorkerThread?
  // The thread's own.
  private var works: [any PolledWork] = []
  private var watchers: [Int32: any PolledWork] = [:]
  private var isEnding = false

  /// Turns of all before the descriptors are looked at again: what one asked of another is done at once.
  private static let mostRounds = 3

  /// Returns `nil` where the process may open no more files.
  ///
  /// - Parameter name: what `top -H` shows; the kernel keeps 15 bytes of it.
  public init?(name: String) {
    guard let poller = Poller(), let mailbox = Mailbox<@Sendable () -> Void>() else { return nil }
    self.poller = poller
    self.mailbox = mailbox
    thread = WorkerThread(name: name) { [self] in run() }
  }

  /// Has `job` done on the thread, after everything that was handed over before. Never waits.
  ///
  /// - Returns: false, and does nothing, once the thread is to stop.
  @discardableResult
  public func perform(_ job: @escaping @Sendable () -> Void) -> Bool {
    lock.withLock {
      if !isClosed { mailbox.post(job) }
      return !isClosed
    }
  }

  /// Does what was handed over until now, then ends all work and the thread. Blocks; not to be called on the thread.
  public func stop() {
    lock.lock()
    if !isClosed { mailbox.post { [self] in isEnding = true } }
    isClosed = true
    let thread = thread
    self.thread = nil
    lock.unlock()
    thread?.join()
  }

  // MARK: - On the thread

  public func add(_ work: any PolledWork) { works.append(work) }

  /// Its descriptors have to be off the thread.
  public func remove(_ work: any PolledWork) { works.removeAll { $0 === work } }

  /// Calls `work` whenever the descriptor is ready, until it is taken off; replaces what was asked for before.
  public func watch(_ descriptor: Int32, _ interest: Poller.Interest, for work: any PolledWork) {
    if watchers.updateValue(work, forKey: descriptor) == nil {
      poller.add(descriptor, token: UInt64(descriptor), interest)
    } else {
      poller.change(descriptor, token: UInt64(descriptor), to: interest)
    }
  }

  /// To be called before the descriptor is closed.
  public func unwatch(_ descriptor: Int32) {
    if watchers.removeValue(forKey: descriptor) != nil { poller.remove(descriptor) }
  }

  private func run() {
    unsafe _ = pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    poller.add(mailbox.descriptor, token: UInt64(mailbox.descriptor), Poller.Interest(reading: true, writing: false))
    while !isEnding { wait(until: turn()) }
    for work in works { work.end() }
    works = []
    watchers = [:]
  }

  /// Returns when the next thing is due.
  private func turn() -> Int64 {
    for _ in 0..<Self.mostRounds {
      let now = MonotonicClock.now
      for work in works where work.due <= now { work.turn() }
      let due = works.reduce(.max) { min($0, $1.due) }
      if due > now { return due }
    }
    return .min
  }

  private func wait(until due: Int64) {
    let now = MonotonicClock.now
    let timeout = due == .max ? -1 : Int32(clamping: max(due, now) - now)
    for event in poller.wait(timeout: timeout) {
      let descriptor = Int32(truncatingIfNeeded: event.token)
      if descriptor == mailbox.descriptor {
        for job in mailbox.takeAll(isSignalled: true) { job() }
      } else {
        // One that was taken off since the wait has nobody.
        watchers[descriptor]?.ready(descriptor, event)
      }
    }
  }
}
