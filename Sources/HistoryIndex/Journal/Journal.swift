import ChatRooms

/// What a client asks the journal to add.
///
/// An object, because it goes through several queues, and a copy would count a dozen references each time.
public final class Submission: Sendable {
  public enum Action: Sendable {
    case send(text: String, data: String?, replyTo: Int64?)
    /// `base`: the message as the caller found it. Under the lane's lock a deletion newer than it wins.
    case edit(base: Message, text: String)
    case delete(base: Message)
    /// Takes a deleted user's message away, or its author's name off it. Refused where the message has changed since the
    /// caller found it. Deleted rooms take it too.
    case withdraw(base: Message, MessageFate)
    /// Ends a membership.
    case remove(user: User)
    case close
    /// Says that an import has added to the room.
    case announceImport
  }

  public let room: Room
  public let action: Action
  /// Who does it: the author of a message.
  public let actor: User
  /// Unique per room and user. Minted by the server where the client gave none (`isRefMinted`), so that a commit whose
  /// outcome is unknown can be resolved.
  public let ref: String
  public let isRefMinted: Bool
  public let nonce: Int64

  /// - Parameter nonce: random. To ask the system for one costs a system call.
  public init(room: Room, action: Action, actor: User, ref: String?, nonce: Int64 = .random(in: .min ... .max)) {
    self.room = room
    self.action = action
    self.actor = actor
    self.nonce = nonce
    self.isRefMinted = ref == nil
    self.ref = ref ?? Self.mintedRefPrefix + String(UInt64(bitPattern: nonce), radix: 36)
  }

  /// The ref that the client gave.
  public var clientRef: String? { isRefMinted ? nil : ref }

  /// The message that is edited or deleted, as the caller found it.
  var base: Message? {
    switch action {
    case .edit(let base, _), .delete(let base), .withdraw(let base, _): base
    case .send, .remove, .close, .announceImport: nil
    }
  }

  /// Begins a ref that the server minted. No client's ref can begin so: theirs are printable.
  public static let mintedRefPrefix = "\u{1}"

  /// A stored ref as clients see it: `nil` if it was minted.
  public static func visibleRef(_ stored: String?) -> String? {
    stored?.hasPrefix(mintedRefPrefix) == true ? nil : stored
  }
}

/// What became of a submission.
public enum Outcome: Sendable {
  /// It is durable. `duplicate` if this or an earlier sending of the same ref had stored it.
  case committed(RoomEvent, duplicate: Bool)
  /// Nothing was stored, for good: a ref used for another text, a deleted message, a room that is gone.
  case refused(ChatError)
  /// Nothing was stored: its lane was busy. To be put into the next batch.
  case busy
}

/// Where a lane stands.
public struct LaneHead: Sendable, Equatable {
  public var lane: Int
  /// The newest committed position; 0 for none.
  public var head: Int64
  /// Everything up to here is in the history index, refreshed.
  public var indexed: Int64

  public init(lane: Int, head: Int64, indexed: Int64) {
    self.lane = lane
    self.head = head
    self.indexed = indexed
  }
}

/// The durable, ordered log of everything that happens in rooms. It alone decides order.
///
/// All calls but `commit` are for any thread; `commit` blocks, and is called by one writer thread per `JournalCommitter`.
public protocol Journal: Sendable {
  /// Lanes are numbered 0 ..< laneCount.
  var laneCount: Int { get }

  /// A committer with a connection of its own, for one writer thread.
  func makeCommitter() -> any JournalCommitter

  /// Returns once everything that could be read when it was called is durable. Some databases show a commit before it
  /// is: what a crash may take back must not be told to anybody.
  func flush() async throws

  /// How much waits for the index, and how much is held in all.
  func backlog() async throws -> JournalBacklog

  /// The heads of all lanes, by lane.
  func heads() async throws -> [LaneHead]

  /// The newest position of a lane, read after this was called. Those who ask at once share a read.
  func head(ofLane lane: Int) async throws -> Int64

  /// Lanes in which no commit was under way at some moment during this call: what was committed there before that moment
  /// can be read from now on. A lane that is missing was busy.
  func quietLanes() async throws -> Set<Int>

  /// Events of a lane after a position, rising and dense, at most `limit`. Trimmed ones are missing at the front.
  func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent]

  /// `nil` if there is no such room. A deleted room still has a position.
  func position(of room: RoomID) async throws -> RoomPosition?

  /// What the journal still holds of a range of messages, each in its present state (changes folded in, deleted ones as
  /// tombstones), rising by `seq`; messages whose rows were trimmed are missing.
  func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message]

  /// As above, for single messages.
  func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message]

  /// Changes after an event, rising, at most `limit`. Changes are kept for as long as the room.
  func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange]
}

extension Journal {
  /// For journals that show nothing before it is durable.
  public func flush() async throws {}

  public func head(ofLane lane: Int) async throws -> Int64 {
    try await heads().first { $0.lane == lane }?.head ?? 0
  }

  /// For journals whose commits are never under way beside a read.
  public func quietLanes() async throws -> Set<Int> { Set(0..<laneCount) }
}

public protocol JournalCommitter: AnyObject {
  /// Submissions of one transaction at most. More cost less each, but everybody waits for all of them.
  var batch: Int { get }

  /// Commits what it can of a batch in one transaction. Outcomes are in the batch's order.
  ///
  /// - Throws: `SQLError` with kind `.unavailable` or `.conflict`. The outcome of the whole batch is then unknown, and
  ///   the caller commits the same batch again until it knows: refs make that safe.
  func commit(_ batch: [Submission]) throws -> [Outcome]
}
