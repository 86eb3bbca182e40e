import Drivers
import Foundation
import TestSupport

/// What a proxy does with the bytes that pass.
enum LinkState: Sendable, Equatable {
  case open
  /// New connections are closed at once.
  case refusing
  /// Bytes are held back until the state changes, as in a network that lost its way.
  case silent
  /// Each piece waits so many milliseconds.
  case slow(Int)
}

/// A TCP proxy between two parts of the stack, which can come between them.
final class FaultProxy: @unchecked Sendable {
  private let listener: ListeningSocket
  private let condition = NSCondition()
  private var target: Int
  private var current = LinkState.open
  private var pipes: [ObjectIdentifier: ProxiedConnection] = [:]
  private var isStopped = false

  var port: Int { listener.port }

  /// - Parameter upstream: the port behind; 0 for none yet.
  init(upstream: Int) throws {
    listener = try ListeningSocket()
    target = upstream
    _ = WorkerThread(name: "proxy-accept") { [self] in accept() }
  }

  /// The port behind, for new connections.
  var upstream: Int {
    get { condition.withLock { target } }
    set { condition.withLock { target = newValue } }
  }

  var state: LinkState {
    get { condition.withLock { current } }
    set {
      condition.withLock {
        current = newValue
        condition.broadcast()
      }
      if newValue == .refusing { cut() }
    }
  }

  /// Ends every connection.
  func cut() { for pipe in condition.withLock({ Array(pipes.values) }) { pipe.abort() } }

  /// Ends every connection's direction towards the upstream; the other one stays.
  func halfClose() { for pipe in condition.withLock({ Array(pipes.values) }) { pipe.back.finishSending() } }

  var connectionCount: Int { condition.withLock { pipes.count } }

  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
    }
    listener.stop()
    cut()
  }

  private func accept() {
    while let front = listener.accept() {
      guard state != .refusing, let back = try? Socket(port: upstream) else {
        front.close()
        continue
      }
      let pipe = ProxiedConnection(front: front, back: back)
      guard register(pipe) else {
        pipe.close()
        continue
      }
      _ = WorkerThread(name: "proxy-up") { [self] in pump(pipe, from: \.front, to: \.back) }
      _ = WorkerThread(name: "proxy-down") { [self] in pump(pipe, from: \.back, to: \.front) }
    }
  }

  /// False where connections came to be refused while this one was made: `cut` knew nothing of it.
  private func register(_ pipe: ProxiedConnection) -> Bool {
    condition.withLock {
      guard current != .refusing, !isStopped else { return false }
      pipes[ObjectIdentifier(pipe)] = pipe
      return true
    }
  }

  private func pump(
    _ pipe: ProxiedConnection, from source: KeyPath<ProxiedConnection, Socket>,
    to sink: KeyPath<ProxiedConnection, Socket>
  ) {
    while let bytes = try? pipe[keyPath: source].receive(until: .now + .seconds(86_400)) {
      guard mayPass(pipe), (try? pipe[keyPath: sink].send(bytes)) != nil else { break }
    }
    // The end of one direction is passed on; a connection ends with its second.
    if pipe.endedFirst() {
      pipe[keyPath: sink].finishSending()
    } else {
      condition.withLock { pipes[ObjectIdentifier(pipe)] = nil }
      pipe.close()
    }
  }

  /// Waits as the state says. False if the connection ended meanwhile.
  private func mayPass(_ pipe: ProxiedConnection) -> Bool {
    condition.withLock {
      if case .slow(let milliseconds) = current {
        _ = condition.wait(until: Date(timeIntervalSinceNow: Double(milliseconds) / 1_000))
      }
      while current == .silent, !isStopped, !pipe.isAborted {
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.5))
      }
      return !isStopped && !pipe.isAborted
    }
  }
}

/// The two sockets of a connection that passes through a proxy; each direction has a thread.
private final class ProxiedConnection: @unchecked Sendable {
  let front: Socket
  let back: Socket
  private let lock = NSLock()
  private var endedDirections = 0
  private var aborted = false

  init(front: Socket, back: Socket) {
    self.front = front
    self.back = back
  }

  var isAborted: Bool { lock.withLock { aborted } }

  func abort() {
    lock.withLock {
      guard endedDirections < 2 else { return }
      aborted = true
      front.abort()
      back.abort()
    }
  }

  /// Whether this is the first of the two directions to end.
  func endedFirst() -> Bool {
    lock.withLock {
      endedDirections += 1
      return endedDirections == 1
    }
  }

  func close() {
    lock.withLock {
      front.close()
      back.close()
    }
  }
}
