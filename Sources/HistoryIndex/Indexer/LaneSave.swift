/// What became of writing down how far lanes are.
struct LaneSave: Sendable {
  private(set) var saved: [LaneLease] = []
  /// Lanes that another owner has by now.
  private(set) var lost: [LaneLease] = []
  /// Why the rest was not tried.
  private(set) var error: (any Error)?

  /// Writes lane by lane: a lane's row is locked for its own commit alone, as its writers wait for it.
  init(_ unsaved: [LaneLease], _ leases: any LaneLeases) async {
    for lease in unsaved {
      do {
        try await leases.advance(lease, to: lease.indexed)
        saved.append(lease)
      } catch is LeaseLost {
        lost.append(lease)
      } catch {
        self.error = error
        return
      }
    }
  }
}
