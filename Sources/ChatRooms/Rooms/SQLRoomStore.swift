import Drivers
import Foundation

/// Users, rooms and memberships in MySQL or SQLite.
///
/// The tables are those of `migrations/`; both databases have the same ones. What only reads uses `withReader`, what
/// changes something one transaction.
public final class SQLRoomStore: RoomStore {
  let database: any SQLDatabase
  let laneCount: Int
  let now: @Sendable () -> Milliseconds
  let scopes: BatchedReads<ScopeKey, ReadScope>
  let memberships: BatchedReads<MembershipKey, Membership?>
  let names: BatchedReads<String, User?>
  let entries = MemberEntries()

  /// People, or memberships, that one question asks for: thousands may come into a room at once.
  private static let mostAtOnce = 128

  /// - Parameters:
  ///   - laneCount: lanes of the journal, among which new rooms are spread.
  ///   - now: the time, for `created_at` and the like.
  public init(
    database: any SQLDatabase, laneCount: Int,
    now: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
  ) {
    self.database = database
    self.laneCount = laneCount
    self.now = now
    scopes = BatchedReads(database, most: ScopeKey.mostAtOnce, Self.readScopes)
    memberships = BatchedReads(database, most: Self.mostAtOnce, Self.readMemberships)
    names = BatchedReads(database, most: Self.mostAtOnce, Self.readUsers)
  }
}

/// A row that does not hold what its table promises.
struct UnreadableRow: Error, CustomStringConvertible {
  var table: String
  var description: String { "a row of \(table) cannot be read" }
}
