import Drivers
import Foundation
import TestSupport

/// A TCP proxy in front of a database that ends a connection at its COMMIT, when it is told to.
final class CommitCutter: @unchecked Sendable {
  enum Cut: Sendable, CaseIterable {
    /// The database never sees the COMMIT.
    case before
    /// It does, and its answer is lost.
    case after
  }

  private let listener: ListeningSocket
  private let upstream: Int
  private let lock = NSLock()
  private var armed: Cut?
  private var count = 0

  var port: Int { listener.port }
  /// Connections that were cut.
  var cuts: Int { lock.withLock { count } }

  init(upstream: Int) throws {
    listener = try ListeningSocket()
    self.upstream = upstream
    _ = WorkerThread(name: "cutter") { [self] in accept() }
  }

  /// Cuts at the next COMMIT, once.
  func arm(_ cut: Cut) { lock.withLock { armed = cut } }

  func stop() { listener.stop() }

  /// The two sockets of a connection; each direction has a thread.
  private struct Link: @unchecked Sendable {
    let front: Socket
    let back: Socket
  }

  private func accept() {
    while let front = listener.accept() {
      guard let back = try? Socket(port: upstream) else { continue }
      let link = Link(front: front, back: back)
      _ = WorkerThread(name: "cutter-down") {
        while let bytes = try? link.back.receive(until: Self.never), (try? link.front.send(bytes)) != nil {}
        link.front.abort()
        link.back.abort()
      }
      _ = WorkerThread(name: "cutter-up") { [self] in
        passUp(link)
        link.front.abort()
        link.back.finishSending()
      }
    }
  }

  private static var never: ContinuousClock.Instant { .now + .seconds(3_600) }

  private func passUp(_ link: Link) {
    while let bytes = try? link.front.receive(until: Self.never) {
      let cut = takeCut(at: bytes)
      if cut == .before { return link.back.abort() }
      // First the client's end, so that no answer can reach it.
      if cut == .after { link.front.abort() }
      guard (try? link.back.send(bytes)) != nil, cut == nil else { return }
    }
  }

  private func takeCut(at bytes: [UInt8]) -> Cut? {
    guard bytes.suffix(6).elementsEqual("COMMIT".utf8) else { return nil }
    return lock.withLock {
      guard let cut = armed else { return nil }
      armed = nil
      count += 1
      return cut
    }
  }
}
