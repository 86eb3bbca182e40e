import ChatRooms

/// Finds in a text what a search has found it by. The same for every back end.
struct SearchHighlighter {
  private let analysis = SharedAnalysis()
  private var patterns: [SearchPattern] = []

  init(_ query: SearchQuery) { patterns = query.positiveLeaves.compactMap(SearchPattern.init) }

  /// Rising, without overlaps; whole characters.
  func highlights(_ text: String) -> [Highlight] {
    guard !patterns.isEmpty else { return [] }
    return Self.highlights(scanned(text) ?? cut(text))
  }

  /// The same, with the whole text cut into words, which takes far longer.
  func thoroughHighlights(_ text: String) -> [Highlight] { Self.highlights(cut(text)) }

  private func scanned(_ text: String) -> [Range<Int>]? {
    guard let scanned = ScannedText(text, analysis) else { return nil }
    var found: [Range<Int>] = []
    for pattern in patterns {
      guard let ranges = pattern.ranges(in: text, scanned) else { return nil }
      found += ranges
    }
    return found
  }

  private func cut(_ text: String) -> [Range<Int>] {
    let text = AnalyzedText(text, analysis)
    return patterns.flatMap { $0.ranges(in: text) }
  }

  private static func highlights(_ found: [Range<Int>]) -> [Highlight] {
    merged(found).map { Highlight(start: $0.lowerBound, length: $0.count) }
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
