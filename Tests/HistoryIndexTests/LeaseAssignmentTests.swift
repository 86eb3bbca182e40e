import Testing

@testable import HistoryIndex

@Suite struct LeaseAssignmentTests {
  /// Applies what an owner decides.
  private func acquire(_ owner: String, _ holdings: inout [LaneHolding]) {
    let assignment = LeaseAssignment(holdings, for: owner)
    for lane in holdings.indices where assignment.taken.contains(lane) || holdings[lane].owner == owner {
      holdings[lane] = LaneHolding(lane: lane, owner: owner, isLive: true)
    }
  }

  private let free = (0..<16).map { LaneHolding(lane: $0, owner: nil, isLive: false) }

  @Test func theOnlyOwnerTakesAll() {
    var holdings = free
    acquire("a", &holdings)
    #expect(holdings.allSatisfy { $0.owner == "a" })
  }

  @Test(arguments: 2...20)
  func newcomersGetAShareAndThenAllRests(owners: Int) {
    var holdings = free
    for _ in 0..<3 { for owner in 0..<owners { acquire("\(owner)", &holdings) } }
    let rested = holdings
    for owner in 0..<owners { acquire("\(owner)", &holdings) }
    #expect(holdings == rested)
    let counts = Dictionary(grouping: holdings) { $0.owner }.mapValues(\.count)
    #expect(counts.count == min(owners, 16))
    let largest = counts.values.max() ?? 0
    let smallest = counts.values.min() ?? 0
    #expect(largest <= (16 + owners - 1) / owners)
    #expect(largest - smallest <= 1)
  }

  @Test func leasesThatRanOutAreTaken() {
    var holdings = free
    acquire("a", &holdings)
    for lane in 0..<5 { holdings[lane].isLive = false }
    acquire("b", &holdings)
    #expect(Set(holdings.filter { $0.owner == "b" }.map(\.lane)).isSuperset(of: 0..<5))
  }
}
