extension SearchQuery {
  /// Words of a query that is widened at most: longer ones say well enough what is meant, and each word becomes six.
  private static let mostWidened = 8

  /// The same query with each word's likely inflections beside it. What is excluded stays as it is.
  var widened: SearchQuery { positiveLeaves.count > Self.mostWidened ? self : withInflections }

  private var withInflections: SearchQuery {
    switch self {
    case .word(let text):
      let forms = EnglishForms.of(text)
      return forms.isEmpty ? self : .any([self] + forms.map(SearchQuery.word))
    case .all(let parts): return .all(parts.map(\.withInflections))
    case .any(let parts): return .any(parts.map(\.withInflections))
    default: return self
    }
  }

  /// The parts that a message can be found by, not those that exclude.
  var positiveLeaves: [SearchQuery] {
    switch self {
    case .not: []
    case .all(let parts), .any(let parts): parts.flatMap(\.positiveLeaves)
    default: [self]
    }
  }
}
