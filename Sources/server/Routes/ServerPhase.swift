import Foundation

/// Where the server is in its life.
final class ServerPhase: @unchecked Sendable {
  enum Phase: String, Sendable {
    case starting, serving, draining
  }

  private let lock = NSLock()
  private var phase = Phase.starting

  var current: Phase { lock.withLock { phase } }
  var isDraining: Bool { current == .draining }

  func enter(_ phase: Phase) { lock.withLock { self.phase = phase } }
}
