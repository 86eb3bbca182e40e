import ChatRooms

/// Something that is not as it must be.
public struct Finding: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// Positions of a lane that the journal should hold and does not.
    case journalHole = "journal_hole"
    /// A room's counters are behind its messages.
    case counters
    /// A room's events do not add up: a change is not written down.
    case changes
    /// A message is in no store.
    case missing
    /// The index has an earlier state of a message.
    case stale
    /// The index has something else under a message's number.
    case different
    /// The index has documents that the database knows nothing of.
    case extra
    /// The index of words does not fit the messages.
    case words
    /// The database file is damaged.
    case storage
  }

  public enum Repair: Sendable, Equatable {
    /// It was not asked for.
    case untried
    case done
    /// Why it cannot be repaired from here.
    case impossible(String)
  }

  public var kind: Kind
  public var room: RoomID?
  public var lane: Int?
  /// Messages' `seq`, events or positions, as the kind has it.
  public var numbers: ClosedRange<Int64>?
  public var detail: String
  public var repair: Repair

  public init(
    _ kind: Kind, room: RoomID? = nil, lane: Int? = nil, _ numbers: ClosedRange<Int64>? = nil, _ detail: String,
    repair: Repair = .untried
  ) {
    self.kind = kind
    self.room = room
    self.lane = lane
    self.numbers = numbers
    self.detail = detail
    self.repair = repair
  }

  /// One finding for each stretch of consecutive numbers of the same kind and fate.
  static func grouped(_ findings: [Finding]) -> [Finding] {
    var groups: [Finding] = []
    for finding in findings {
      if let last = groups.last, let end = last.numbers?.upperBound, let next = finding.numbers,
        next.lowerBound == end + 1, finding.resembles(last)
      {
        groups[groups.count - 1].numbers = (last.numbers?.lowerBound ?? end)...next.upperBound
      } else {
        groups.append(finding)
      }
    }
    return groups
  }

  private func resembles(_ other: Finding) -> Bool {
    kind == other.kind && room == other.room && lane == other.lane && detail == other.detail && repair == other.repair
  }
}

/// What a verification says on its way.
public enum VerifyReport: Sendable {
  case finding(Finding)
  /// Messages that were looked at, of about how many.
  case progress(done: Int64, of: Int64)
}

/// What was looked at and what came out.
public struct VerifySummary: Sendable, Equatable {
  public var rooms: Int64 = 0
  public var messages: Int64 = 0
  /// Rooms that an import fills at the moment: not looked at.
  public var importing: Int64 = 0
  public var problems: Int64 = 0
  public var repaired: Int64 = 0

  public init() {}

  mutating func count(_ finding: Finding) {
    problems += 1
    if finding.repair == .done { repaired += 1 }
  }

  /// Nothing is wrong any more.
  public var isClean: Bool { problems == repaired }
}
