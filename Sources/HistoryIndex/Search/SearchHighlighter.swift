import ChatRooms

/// Finds in a text what a search has found it by.
struct SearchHighlighter {
  private enum Mark {
    case tokens([String], isPrefix: Bool)
    case literal([UInt16])
  }

  private var analysis = TextAnalysis()
  private var marks: [Mark] = []
  /// Marks of one text.
  private static let most = 1_000

  init(_ query: SearchQuery) { collect(query) }

  private mutating func collect(_ query: SearchQuery) {
    switch query {
    case .word(let text), .phrase(let text): collect(words: text, isPrefix: false)
    case .prefix(let text): collect(words: text, isPrefix: true)
    case .literal(let text): marks.append(.literal(Array(text.utf16)))
    case .all(let parts), .any(let parts): for part in parts { collect(part) }
    case .everything, .author, .room, .time, .has, .mentions, .link, .not: break
    }
  }

  private mutating func collect(words text: String, isPrefix: Bool) {
    let tokens = analysis.tokens(text).map(\.text)
    if !tokens.isEmpty { marks.append(.tokens(tokens, isPrefix: isPrefix)) }
  }

  /// Rising, without overlaps.
  mutating func highlights(_ text: String) -> [Highlight] {
    guard !marks.isEmpty else { return [] }
    let tokens = analysis.tokens(text)
    var units: [UInt16]?
    var found: [Range<Int>] = []
    for mark in marks {
      switch mark {
      case .tokens(let wanted, let isPrefix): Self.find(wanted, isPrefix, in: tokens, &found)
      case .literal(let wanted):
        let all = units ?? Array(text.utf16)
        units = all
        Self.find(wanted, in: all, &found)
      }
    }
    return Self.merged(found).map { Highlight(start: $0.lowerBound, length: $0.count) }
  }

  private static func find(
    _ wanted: [String], _ isPrefix: Bool, in tokens: [TextToken], _ found: inout [Range<Int>]
  ) {
    guard let last = wanted.indices.last, tokens.count > last else { return }
    for first in 0..<(tokens.count - last) where found.count < most {
      guard (0..<last).allSatisfy({ tokens[first + $0].text == wanted[$0] }) else { continue }
      let end = tokens[first + last]
      guard isPrefix ? end.text.utf8.starts(with: wanted[last].utf8) : end.text == wanted[last] else { continue }
      found.append(tokens[first].start..<max(tokens[first].start, end.end))
    }
  }

  private static func find(_ wanted: [UInt16], in units: [UInt16], _ found: inout [Range<Int>]) {
    guard let head = wanted.first, units.count >= wanted.count else { return }
    for start in 0...(units.count - wanted.count) where units[start] == head && found.count < most {
      let range = start..<(start + wanted.count)
      if units[range].elementsEqual(wanted) { found.append(range) }
    }
  }

  private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var merged: [Range<Int>] = []
    for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
      if let last = merged.last, range.lowerBound < last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
