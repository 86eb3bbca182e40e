import Testing

@testable import ChatRooms

@Suite struct SQLiteRoomStoreTests {
  @Test(arguments: RoomStoreBehaviour.allCases)
  func overSQLite(behaviour: RoomStoreBehaviour) async throws {
    let test = try await TestDatabase.sqlite()
    let store = SQLRoomStore(database: test.database, laneCount: 16)
    try await RoomStoreTester(store: store, database: test.database).run(behaviour)
  }

  @Test func roomsSpreadOverTheLanes() {
    let lanes = (1...1_600).map { LaneAssignment.lane(of: $0, count: 16) }
    let counts = Dictionary(grouping: lanes) { $0 }.mapValues(\.count)
    #expect(counts.count == 16 && counts.values.allSatisfy { (60...150).contains($0) })
    #expect(LaneAssignment.lane(of: .min, count: 1) == 0)
  }
}
