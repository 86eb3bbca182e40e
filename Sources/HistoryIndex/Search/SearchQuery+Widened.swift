extension SearchQuery {
  /// The same query with each word's likely inflections beside it. What is excluded stays as it is.
  var widened: SearchQuery {
    switch self {
    case .word(let text):
      let forms = EnglishForms.of(text)
      return forms.isEmpty ? self : .any([self] + forms.map(SearchQuery.word))
    case .all(let parts): return .all(parts.map(\.widened))
    case .any(let parts): return .any(parts.map(\.widened))
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
