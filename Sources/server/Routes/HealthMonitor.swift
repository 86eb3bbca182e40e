import Drivers
import Foundation

/// Asks each back end once a second whether it answers, so that whoever wants to know does not wait for one that hangs.
final class HealthMonitor: @unchecked Sendable {
  struct Backend: Sendable {
    var name: String
    /// The server is not ready before this one was reached for the first time.
    var isEssential: Bool
    /// Throws where the back end does not answer.
    var probe: @Sendable () async throws -> Void
  }

  struct Report: Sendable, Equatable {
    var name: String
    var isUp: Bool
    /// Whether it was ever reached.
    var wasReached: Bool
    var isEssential: Bool
  }

  private struct State {
    var isUp = false
    var wasReached = false
    var asked: ContinuousClock.Instant?
  }

  /// A back end that takes longer is down.
  static let patience = Duration.seconds(2)
  static let interval = Duration.seconds(1)

  private let backends: [Backend]
  private let log: Log
  private let lock = NSLock()
  private var states: [String: State] = [:]

  init(_ backends: [Backend], metrics: Metrics = Metrics(), log: Log = .silent) {
    self.backends = backends
    self.log = log
    for backend in backends {
      metrics.gauge("palaver_backend_up", "1 while a back end answers.", ["backend": backend.name]) { [weak self] in
        self?.reports.contains { $0.name == backend.name && $0.isUp } == true ? 1 : 0
      }
    }
  }

  /// Goes on until its task is cancelled. One loop a back end, so that one that hangs holds up no other.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      for backend in backends {
        group.addTask {
          while !Task.isCancelled {
            await self.ask(backend)
            try? await Task.sleep(for: Self.interval)
          }
        }
      }
    }
  }

  /// One round, for all back ends at once.
  func probe() async {
    await withTaskGroup(of: Void.self) { group in
      for backend in backends { group.addTask { await self.ask(backend) } }
    }
  }

  private func ask(_ backend: Backend) async {
    guard begin(backend.name) else { return }
    do {
      try await backend.probe()
      if end(backend.name, isUp: true) { log.info("a back end answers again", ["backend": backend.name]) }
    } catch {
      if end(backend.name, isUp: false) {
        log.warning("a back end does not answer", ["backend": backend.name, "error": "\(error)"])
      }
    }
  }

  var reports: [Report] {
    lock.withLock {
      backends.map { backend in
        let state = states[backend.name] ?? State()
        let isLate = state.asked.map { ContinuousClock.now - $0 > Self.patience } ?? false
        return Report(
          name: backend.name, isUp: state.isUp && !isLate, wasReached: state.wasReached,
          isEssential: backend.isEssential)
      }
    }
  }

  private func begin(_ name: String) -> Bool {
    lock.withLock {
      if states[name]?.asked != nil { return false }
      states[name, default: State()].asked = ContinuousClock.now
      return true
    }
  }

  /// Returns whether that is news: the first answer is none.
  private func end(_ name: String, isUp: Bool) -> Bool {
    lock.withLock {
      let before = states[name] ?? State()
      states[name] = State(isUp: isUp, wasReached: before.wasReached || isUp, asked: nil)
      return before.wasReached && before.isUp != isUp
    }
  }
}
