import Foundation

extension SearchRequest {
  /// What the search costs the index at most, in searches for a common word, roughly: see "the worst queries" in
  /// `docs/performance.md`. From 1 on. A query that is none weighs 1: it costs nothing.
  public var weight: Int {
    // Too short for anything that weighs more.
    if facets.isEmpty, query.utf8.count < Self.shortest { return 1 }
    guard let tree = try? parsed() else { return 1 }
    let countsEverything = !facets.isEmpty && !tree.narrows
    let tenths = tree.tenths(isScored: sort == .relevance) + (countsEverything ? Self.countingEverything : 0)
    return max(1, tenths / 10)
  }

  private static let shortest = 32
  /// Of a common word's search in tenths.
  private static let countingEverything = 200
}

extension SearchQuery {
  /// What it costs beside a common word, in tenths.
  fileprivate func tenths(isScored: Bool) -> Int {
    switch self {
    case .everything, .author, .room, .time, .has, .mentions, .link: 1
    case .word(let text): text.utf8.allSatisfy(Self.isLetter) ? 1 : Self.phrase
    case .phrase: Self.phrase
    case .prefix(let text): text.unicodeScalars.count < 3 ? 5 : 2
    case .literal: 10
    case .not(let part): part.tenths(isScored: false)
    case .all(let parts): parts.reduce(0) { $0 + $1.tenths(isScored: isScored) }
    // Of many messages the best are to be found.
    case .any(let parts): parts.reduce(0) { $0 + $1.tenths(isScored: isScored) } * (isScored ? Self.scored : 1)
    }
  }

  private static let phrase = 7
  private static let scored = 4

  private static func isLetter(_ byte: UInt8) -> Bool { byte >= 0x80 || TextCutter.lowercased(byte) != nil }

  /// It finds few of all messages, as far as that can be seen.
  fileprivate var narrows: Bool {
    switch self {
    case .everything, .not, .time, .has: false
    case .word, .phrase, .literal, .author, .room, .mentions, .link: true
    case .prefix(let text): text.unicodeScalars.count > 2
    case .all(let parts): parts.contains(where: \.narrows)
    case .any(let parts): parts.allSatisfy(\.narrows)
    }
  }
}
