/// What an installation's indices are called.
public struct IndexNames: Sendable, Equatable {
  /// `PALAVER_INDEX_PREFIX`.
  public var prefix: String

  public init(prefix: String) { self.prefix = prefix }

  /// The alias that searches and history pages go to.
  public var read: String { "\(prefix)-messages" }
  /// The alias that the indexer writes to.
  public var write: String { "\(prefix)-messages-write" }
  public var template: String { "\(prefix)-messages" }

  /// A generation's index: `palaver-messages-g001`.
  public func generation(_ number: Int) -> String {
    let digits = String(number)
    return "\(prefix)-messages-g" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }
}
