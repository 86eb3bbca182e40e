/// What somebody who mistyped probably meant.
enum Suggestion {
  /// The candidate with the fewest edits, if they are few enough for a slip.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = max(1, min(3, word.count / 3 + 1))
    let nearest = candidates.map { (candidate: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= limit || nearest.candidate.hasPrefix(word) && word.count > 1 else {
      return candidates.first { $0.hasPrefix(word) && word.count > 1 }
    }
    return nearest.candidate
  }

  /// Levenshtein's distance: insertions, deletions and replacements of characters.
  static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let replaced = diagonal + (right[column] == character ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
      }
    }
    return row[right.count]
  }
}
