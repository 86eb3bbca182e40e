import ChatRooms

/// An indexer's right to drain a lane, until it ends or another takes it.
public struct LaneLease: Sendable, Equatable {
  public var lane: Int
  /// Rises with each new owner: what an earlier owner still tries is refused.
  public var number: Int64
  /// Where to go on: everything up to here is indexed.
  public var indexed: Int64

  public init(lane: Int, number: Int64, indexed: Int64) {
    self.lane = lane
    self.number = number
    self.indexed = indexed
  }
}

/// The lease is another's by now; drop what is in flight.
public struct LeaseLost: Error {}

/// An event that the index refuses for good.
public struct DeadLetter: Sendable, Equatable {
  public var lane: Int
  public var position: Int64
  public var room: RoomID
  public var seq: Int64
  /// The index's own words.
  public var reason: String
  public var document: String

  public init(lane: Int, position: Int64, room: RoomID, seq: Int64, reason: String, document: String) {
    self.lane = lane
    self.position = position
    self.room = room
    self.seq = seq
    self.reason = reason
    self.document = document
  }
}

/// The indexers' side of the journal. Times are those of the database's clock.
public protocol LaneLeases: Sendable {
  /// Renews what this owner holds and takes lanes that are free or whose lease has run out, up to its fair share:
  /// lanes divided by live owners, rounded up. Returns all that it holds now.
  ///
  /// A committed write: what is read from the journal before this returns was durable before (a commit can be seen
  /// before it is flushed; a later flush of the same log covers it).
  func acquire(owner: String, seconds: Int) async throws -> [LaneLease]

  /// Takes every lane from whoever holds it: what the others still have under way moves no cursor. Gives back with
  /// `release`, or after that time at the latest.
  func seize(owner: String, seconds: Int) async throws -> [LaneLease]

  /// Moves a lane's `indexed`. - Throws: `LeaseLost`.
  func advance(_ lease: LaneLease, to indexed: Int64) async throws

  /// Gives everything back, when stopping.
  func release(owner: String) async throws

  func bury(_ letters: [DeadLetter], under lease: LaneLease) async throws

  /// Deletes journal rows that are indexed and older than `keep`, a bounded number at once. Returns how many.
  func trim(_ lease: LaneLease, keep: Milliseconds) async throws -> Int
}
