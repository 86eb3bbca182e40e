extension SearchQuery {
  /// The same query with its last word taken for the beginning of one, as somebody typing means it.
  ///
  /// - Parameter typed: what was typed. A space at its end says that the last word is whole.
  func withLastWordAsPrefix(typed: String) -> SearchQuery {
    guard let last = typed.unicodeScalars.last, !last.properties.isWhitespace else { return self }
    return withLastWordAsPrefix
  }

  private var withLastWordAsPrefix: SearchQuery {
    switch self {
    case .word(let text) where Self.isLongEnough(text): .prefix(text)
    case .all(let parts): .all(Self.withLastChanged(parts))
    case .any(let parts): .any(Self.withLastChanged(parts))
    default: self
    }
  }

  private static func withLastChanged(_ parts: [SearchQuery]) -> [SearchQuery] {
    parts.dropLast() + parts.suffix(1).map(\.withLastWordAsPrefix)
  }

  /// One letter begins too many words to be looked for; one character of Chinese or Japanese is a word.
  private static func isLongEnough(_ text: String) -> Bool {
    text.unicodeScalars.contains(where: SearchFolding.isCJK)
      || text.unicodeScalars.count(where: SearchFolding.isWordScalar) >= 2
  }
}
