/// Decides when no more messages are taken, before a disk is full: while too many journal rows wait for the index, or
/// too little space is left. Ends only when matters are clearly better, so that it does not flap. Pure.
public struct BackPressure: Sendable, Equatable {
  public struct Limits: Sendable, Equatable {
    /// Journal rows that may wait for the index; 0: any number.
    public var rows: Int64
    /// Bytes that must stay free where this process keeps its database; 0: none.
    public var reserve: Int64

    public init(rows: Int64 = Self.defaultRows, reserve: Int64 = Self.defaultReserve) {
      self.rows = rows
      self.reserve = reserve
    }

    /// Some 5 GB of rows of chat: an hour without an index at 2,700 messages a second, days at usual rates.
    public static let defaultRows: Int64 = 10_000_000
    /// Far more than a write-ahead log needs to be brought to its end.
    public static let defaultReserve: Int64 = 256 << 20
  }

  public enum Reason: String, Sendable, CaseIterable {
    /// The index is too far behind.
    case backlog
    case disk
  }

  private let limits: Limits
  private(set) var reasons: Set<Reason> = []

  public init(_ limits: Limits) { self.limits = limits }

  public var isOn: Bool { !reasons.isEmpty }

  /// - Parameter rows: journal rows that wait for the index. The pressure ends at three quarters of the limit.
  mutating func observe(waiting rows: Int64) {
    guard limits.rows > 0 else { return }
    if rows >= limits.rows {
      reasons.insert(.backlog)
    } else if rows <= limits.rows / 4 * 3 {
      reasons.remove(.backlog)
    }
  }

  /// - Parameter bytes: free on the disk. The pressure ends a quarter above the reserve.
  mutating func observe(free bytes: Int64) {
    guard limits.reserve > 0 else { return }
    if bytes < limits.reserve {
      reasons.insert(.disk)
    } else if bytes - limits.reserve >= limits.reserve / 4 {
      reasons.remove(.disk)
    }
  }
}
