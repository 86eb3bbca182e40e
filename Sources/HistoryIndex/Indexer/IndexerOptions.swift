import ChatRooms

/// How an indexer works. The defaults are measured: two requests keep one node busy, and of 2,500 documents they cost it
/// about a tenth less than of 1,000. Only a backlog fills them.
public struct IndexerOptions: Sendable {
  /// Unique among running indexers.
  public var owner: String
  public var leaseSeconds = 10
  public var documentsPerBulk = 2_500
  public var bytesPerBulk = 8 << 20
  public var bulksInFlight = 2
  /// How often the journal is looked at when nobody rings.
  public var poll: Duration = .milliseconds(200)
  /// After a ring: what follows at once goes into the same bulk.
  public var gather: Duration = .milliseconds(20)
  /// The same while a read finds `busyDocuments` or more: each read costs a committed write, and small bulks cost
  /// Elasticsearch a third more a document.
  public var gatherWhenBusy: Duration = .milliseconds(100)
  public var busyDocuments = 200
  /// How long rows stay in the journal after they are indexed.
  public var keep: Milliseconds = 24 * 3_600 * 1_000
  public var trimInterval: Duration = .seconds(10)

  /// How often leases are renewed and looked for: a dead indexer's lanes are another's after at most a lease and this.
  var renewal: Duration { .seconds(leaseSeconds) / 5 }

  public init(owner: String) { self.owner = owner }
}
