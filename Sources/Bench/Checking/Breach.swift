/// Something that Palaver promises never happens, and that a run saw.
public struct Breach: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    /// An event or message was left out.
    case lost
    /// An event came a second time on one connection.
    case doubled
    /// An event came behind a later one.
    case reordered
    /// An acknowledgement of something that was not sent there, or of something acknowledged before.
    case foreignAck = "foreign_ack"
    /// A page of history that is not the one asked for.
    case wrongPage = "wrong_page"
    /// A search that missed what it promised to find, or found something else.
    case wrongSearch = "wrong_search"
    /// Bytes that are not what the protocol says.
    case malformed
  }

  public var kind: Kind
  public var detail: String

  public init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  public var description: String { "\(kind.rawValue): \(detail)" }
}

/// The breaches of a run: all are counted, the first of them kept.
final class BreachLog {
  private static let kept = 20
  private(set) var counts: [Breach.Kind: Int64] = [:]
  private(set) var first: [Breach] = []

  var isEmpty: Bool { counts.isEmpty }

  func add(_ breach: Breach) {
    counts[breach.kind, default: 0] += 1
    if first.count < Self.kept { first.append(breach) }
  }
}
