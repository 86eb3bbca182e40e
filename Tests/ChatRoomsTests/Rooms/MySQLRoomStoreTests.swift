import Drivers
import Foundation
import Testing

@testable import ChatRooms

private let serverText = ProcessInfo.processInfo.environment["PALAVER_TEST_MYSQL"]

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: serverText != nil), .serialized)
struct MySQLRoomStoreTests {
  @Test(arguments: RoomStoreBehaviour.allCases)
  func overMySQL(behaviour: RoomStoreBehaviour) async throws {
    let server = try MySQLURL(serverText ?? "")
    let name = "palaver_rooms_\(UInt64.random(in: 0 ... .max))"
    let outside = MySQLPool(server, size: 1)
    try await outside.execute("CREATE DATABASE \(name)")
    let pool = MySQLPool(server.selecting(database: name), size: 4)
    let result: Result<Void, any Error>
    do {
      _ = try await SchemaMigrator.migrate(pool)
      let store = SQLRoomStore(database: pool, laneCount: 16)
      try await RoomStoreTester(store: store, database: pool).run(behaviour)
      result = .success(())
    } catch { result = .failure(error) }
    try await outside.execute("DROP DATABASE \(name)")
    for pool in [pool, outside] { pool.close() }
    try result.get()
  }
}
