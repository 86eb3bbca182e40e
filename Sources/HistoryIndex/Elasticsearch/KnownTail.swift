import ChatRooms
import Foundation

/// The tail as it was when the journal was last looked at, for searches that begin before they have looked themselves.
final class KnownTail: @unchecked Sendable {
  struct State: Sendable {
    let view: SearchTail.View
    /// The newest positions of the lanes, by lane. The view has everything up to them.
    let heads: [Int64]
    let lookedAt: ContinuousClock.Instant
    /// The look found nothing that the one before had not.
    let isCalm: Bool

    /// The lanes stand where they stood.
    func isPresent(_ heads: [LaneHead]) -> Bool { self.heads == heads.map(\.head) }
  }

  /// How old a look may be. Newer ones are taken all the time while searches come.
  private static let life: Duration = .seconds(1)

  private let lock = NSLock()
  private var state: State?
  private var isUsed = false

  func set(_ state: State) { lock.withLock { self.state = state } }

  /// What a search may count on, if the lanes turn out to stand there still. `nil` where that is not likely.
  func assumed() -> State? {
    let now = ContinuousClock.now
    return lock.withLock {
      guard let state, state.isCalm, state.view.freshAsOf > 0, now - state.lookedAt <= Self.life else { return nil }
      isUsed = true
      return state
    }
  }

  /// Whether anything was assumed since this was asked last.
  func takeUse() -> Bool {
    lock.withLock {
      defer { isUsed = false }
      return isUsed
    }
  }
}
