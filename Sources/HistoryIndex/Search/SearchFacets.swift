import ChatRooms
import Foundation

/// Hits counted by what they have in common: over all pages, not over one.
public struct SearchFacets: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case room, user, month
  }

  public struct Bucket: Sendable, Equatable {
    /// A room's id, a user's name, or a month as `2026-11`.
    public var value: String
    public var count: Int

    public init(value: String, count: Int) {
      self.value = value
      self.count = count
    }
  }

  /// Rooms and users that are given, those with the most hits.
  public static let mostBuckets = 20
  /// Months that are given, the newest.
  public static let mostMonths = 120

  /// Rooms and users by falling count, months by falling time.
  public private(set) var buckets: [Kind: [Bucket]] = [:]
  /// The counts may be too high: not every hit was looked at for what the index cannot tell.
  public var isUpperBound = false

  public init() {}

  /// Sets what was counted, in the order that clients see.
  public mutating func set(_ kind: Kind, _ counts: [String: Int]) {
    let all = counts.lazy.filter { $0.value > 0 }.map { Bucket(value: $0.key, count: $0.value) }
    switch kind {
    case .month: buckets[kind] = Array(all.sorted { $0.value > $1.value }.prefix(Self.mostMonths))
    case .room, .user:
      buckets[kind] = Array(
        all.sorted { $0.count != $1.count ? $0.count > $1.count : $0.value < $1.value }.prefix(Self.mostBuckets))
    }
  }
}

/// Months of a time zone, as facets name them.
struct SearchMonths {
  private let calendar: Calendar

  /// - Parameter timeZone: an IANA name; UTC if it is none.
  init(timeZone: String) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    self.calendar = calendar
  }

  /// `2026-11`
  func month(of time: Milliseconds) -> String {
    let parts = calendar.dateComponents([.year, .month], from: Date(timeIntervalSince1970: Double(time) / 1_000))
    let (year, month) = (String(parts.year ?? 1_970), String(parts.month ?? 1))
    return String(repeating: "0", count: max(0, 4 - year.count)) + year + (month.count < 2 ? "-0" : "-") + month
  }
}
