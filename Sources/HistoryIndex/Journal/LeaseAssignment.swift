/// Who holds a lane, as it stands in the table.
struct LaneHolding: Equatable {
  var lane: Int
  var owner: String?
  /// The lease has not run out.
  var isLive: Bool
}

/// Decides which lanes an owner takes beside those that it holds, so that all live owners come to about the same number.
///
/// A newcomer finds no lane free. It takes lanes at once, which the lease's number makes safe, from whoever holds at
/// least two more than it does: nobody ever has a reason to take one back.
struct LeaseAssignment: Equatable {
  private(set) var taken: [Int] = []

  init(_ holdings: [LaneHolding], for owner: String) {
    // A lease of one's own that has run out, but that nobody took, is still one's own.
    let held = holdings.count { $0.owner == owner }
    let others = holdings.filter { $0.isLive && $0.owner != owner && $0.owner != nil }
    var lanes = Dictionary(grouping: others) { $0.owner ?? "" }.mapValues { $0.map(\.lane) }
    let owners = lanes.count + 1
    let share = (holdings.count + owners - 1) / owners
    let free = holdings.filter { $0.owner != owner && !($0.isLive && $0.owner != nil) }.map(\.lane)
    taken = Array(free.prefix(max(0, share - held)))
    while let richest = lanes.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }),
      richest.value.count > held + taken.count + 1, let lane = richest.value.last
    {
      lanes[richest.key]?.removeLast()
      taken.append(lane)
    }
  }
}
