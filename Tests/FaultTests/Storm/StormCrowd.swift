import CLinux
import Drivers
import Foundation
import TestSupport

/// Thousands of `StormClient`s on one thread, which come back by themselves whenever their connections end.
final class StormCrowd: @unchecked Sendable {
  struct Status: Sendable {
    var live = 0
    var answered = 0
    /// Clients at their rooms' last events, as far as `follow` told these.
    var caughtUp = 0
    var joins = 0
    var breaches: [String] = []
    var messages = 0
  }

  private let lock = NSLock()
  private var shown = Status()
  private var ends: [Int64: Int64] = [:]
  private var ports: [Int]
  private var isOver = false
  private var thread: WorkerThread?

  // Of the thread alone.
  private var clients: [StormClient] = []
  private var random: SplitMix64
  private var joins = 0

  /// - Parameters:
  ///   - rooms: client n follows room n modulo their number.
  ///   - ports: client n begins at server n modulo their number, and tries another after each failure.
  ///   - spread: over how long they come at first, ms.
  init(count: Int, rooms: [Int64], ports: [Int], spread: Int, seed: UInt64 = 1) {
    self.ports = ports
    var random = SplitMix64(seed: seed)
    let now = ContinuousClock.now
    clients = (0..<count).map {
      StormClient(
        number: $0, room: rooms[$0 % rooms.count],
        start: now + .milliseconds(Int.random(in: 0...spread, using: &random)))
    }
    self.random = random
    thread = WorkerThread(name: "storm") { [self] in run() }
  }

  var status: Status { lock.withLock { shown } }

  /// The events at which clients count as caught up.
  func follow(_ ends: [Int64: Int64]) { lock.withLock { self.ends = ends } }

  /// Where the servers are from now on.
  func use(_ ports: [Int]) { lock.withLock { self.ports = ports } }

  /// Ends all connections.
  func stop() {
    lock.withLock { isOver = true }
    thread?.join()
  }

  private func run() {
    let poller = epoll_create1(Int32(EPOLL_CLOEXEC))
    defer { close(poller) }
    var nextReport = ContinuousClock.now
    while !lock.withLock({ isOver }) {
      connect(poller)
      take(poller)
      guard ContinuousClock.now >= nextReport else { continue }
      report()
      nextReport = .now + .milliseconds(50)
    }
    clients = []
  }

  private func connect(_ poller: Int32) {
    let now = ContinuousClock.now
    let ports = lock.withLock { self.ports }
    for index in clients.indices {
      guard case .waiting(let until) = clients[index].state, until <= now else { continue }
      do {
        joins += 1
        let choice = clients[index].answers == 0 ? index : Int.random(in: 0...1_000, using: &random)
        try clients[index].connect(port: ports[choice % ports.count])
        guard let socket = clients[index].socket,
          palaver_epoll_control(poller, EPOLL_CTL_ADD, socket.descriptor, EPOLLIN.rawValue, UInt64(index)) == 0
        else { throw TestSupportError("not watched") }
      } catch {
        clients[index].retreat(random: &random)
      }
    }
  }

  private func take(_ poller: Int32) {
    var tokens = [UInt64](repeating: 0, count: 256)
    var flags = [UInt32](repeating: 0, count: 256)
    let count = unsafe palaver_epoll_wait(poller, &tokens, &flags, 256, 20)
    for token in tokens.prefix(Int(max(0, count))) {
      // A socket that ends leaves the poller by being closed.
      do { try clients[Int(token)].receive() } catch { clients[Int(token)].retreat(random: &random) }
    }
  }

  private func report() {
    let ends = lock.withLock { self.ends }
    var status = Status()
    status.joins = joins
    for client in clients {
      if client.isLive { status.live += 1 }
      if client.answers > 0 { status.answered += 1 }
      if client.isLive, let end = ends[client.room], client.position >= end { status.caughtUp += 1 }
      status.messages += client.messages
      status.breaches += client.breaches
    }
    lock.withLock { shown = status }
  }
}
