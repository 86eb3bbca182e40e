/// What an installation's indices are called.
public struct IndexNames: Sendable, Equatable {
  /// `PALAVER_INDEX_PREFIX`.
  public var prefix: String

  public init(prefix: String) { self.prefix = prefix }

  /// The alias that searches and history pages go to.
  public var read: String { "\(prefix)-messages" }
  /// The alias that the indexer writes to.
  public var write: String { "\(prefix)-messages-write" }
  /// The alias of a generation that is being filled, while there is one.
  public var next: String { "\(prefix)-messages-next" }
  public var template: String { "\(prefix)-messages" }

  /// A generation's index: `palaver-messages-g001`.
  public func generation(_ number: Int) -> String {
    let digits = String(number)
    return generationPrefix + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  /// The number of a generation's index; `nil` for any other index.
  func generationNumber(of index: String) -> Int? {
    guard index.hasPrefix(generationPrefix), let number = Int(index.dropFirst(generationPrefix.count)), number > 0,
      generation(number) == index
    else { return nil }
    return number
  }

  private var generationPrefix: String { "\(prefix)-messages-g" }
}
