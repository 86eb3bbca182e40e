import ChatRooms

/// Finds in a text what a search has found it by. The same for every back end.
struct SearchHighlighter {
  private var analysis = TextAnalysis()
  private var patterns: [SearchPattern] = []

  init(_ query: SearchQuery) { patterns = query.positiveLeaves.compactMap(SearchPattern.init) }

  /// Rising, without overlaps; whole characters.
  mutating func highlights(_ text: String) -> [Highlight] {
    guard !patterns.isEmpty else { return [] }
    let text = AnalyzedText(text, &analysis)
    let found = patterns.flatMap { $0.ranges(in: text) }
    return Self.merged(found).map { Highlight(start: $0.lowerBound, length: $0.count) }
  }

  private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var merged: [Range<Int>] = []
    for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) })
    where !range.isEmpty {
      if let last = merged.last, range.lowerBound < last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
