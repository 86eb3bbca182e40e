import ChatRooms

/// Looks at texts for what the index cannot tell: symbols (`C++`, `#12`, `->`) and exact substrings.
enum LiteralCheck {
  /// Some part of the query has to be looked for in the texts.
  static func isNeeded(for query: SearchQuery) -> Bool {
    switch query {
    case .word(let text), .phrase(let text): holdsSymbols(text)
    case .prefix(let text): holdsSymbols(text) || text.unicodeScalars.contains { !SearchFolding.isWordScalar($0) }
    case .literal: true
    case .not(let part): isNeeded(for: part)
    case .all(let parts), .any(let parts): parts.contains(where: isNeeded)
    case .everything, .author, .room, .time, .has, .mentions, .link: false
    }
  }

  /// The part of a query that has to be looked at in each hit; `nil` where the index can tell all of it.
  static func remainder(of query: SearchQuery) -> SearchQuery? {
    guard isNeeded(for: query) else { return nil }
    guard case .all(let parts) = query else { return query }
    let rest = parts.compactMap(remainder)
    return rest.count == 1 ? rest[0] : .all(rest)
  }

  /// What is asked of the index, hit by hit, while such a part is looked at.
  static func asked(by remainder: SearchQuery?) -> [SearchQuery] {
    remainder?.leaves.filter { !isNeeded(for: $0) } ?? []
  }

  /// Whether a message matches.
  ///
  /// - Parameter isMatched: what the index says of a part that it can tell.
  static func holds(_ query: SearchQuery, on message: Message, isMatched: (SearchQuery) -> Bool) -> Bool {
    var folded: FoldedText?
    return holds(query, text: message.text, &folded, isMatched)
  }

  /// Whether a text holds what the query's words say with their symbols; what the index can tell counts as told.
  static func holds(_ query: SearchQuery, in text: String) -> Bool {
    var folded: FoldedText?
    return holds(query, text: text, &folded) { _ in true }
  }

  private static func holds(
    _ query: SearchQuery, text: String, _ folded: inout FoldedText?, _ isMatched: (SearchQuery) -> Bool
  ) -> Bool {
    switch query {
    case .not(let part): return !holds(part, text: text, &folded, isMatched)
    case .all(let parts): return parts.allSatisfy { holds($0, text: text, &folded, isMatched) }
    case .any(let parts): return parts.contains { holds($0, text: text, &folded, isMatched) }
    default: break
    }
    guard isNeeded(for: query) else { return isMatched(query) }
    if case .literal(let literal) = query { return text.utf8.firstRange(of: literal) != nil }
    let whole = folded ?? FoldedText(text)
    folded = whole
    switch query {
    case .word(let word), .phrase(let word):
      return !whole.ranges(of: FoldedText(trimmed(word)), most: 1).isEmpty
    case .prefix(let word): return !whole.ranges(of: FoldedText(word), isPrefix: true, most: 1).isEmpty
    default: return true
    }
  }

  /// Symbols that the analyzer drops and that mean something within or around a word. Punctuation at its ends does not.
  static func holdsSymbols(_ text: String) -> Bool {
    let core = trimmed(text).unicodeScalars
    if !core.contains(where: isSearchable) { return true }
    var isAfterColon = false
    for scalar in core {
      if scalar == ":", isAfterColon { return true }
      isAfterColon = scalar == ":"
      if !isSearchable(scalar), FoldedText.isSymbol(scalar) { return true }
    }
    return false
  }

  /// The analyzer makes a token of it, or a part of one: words and emoji.
  static func isSearchable(_ scalar: Unicode.Scalar) -> Bool {
    if SearchFolding.isWordScalar(scalar) { return true }
    switch TextScalar(scalar) {
    case .word, .mark, .single, .emoji, .regionalIndicator, .soundMark: return true
    case .separator, .nothing: return false
    }
  }

  private static let punctuation = Set(".,;:!?\"'()[]{}…«»“”‘’「」『』。、，！？`".unicodeScalars)

  /// Without the punctuation of a sentence around it, but with double colons (`::1`); whole if it is nothing else.
  static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard var start = scalars.firstIndex(where: { !punctuation.contains($0) }),
      var end = scalars.lastIndex(where: { !punctuation.contains($0) }),
      scalars[start...end].contains(where: isSearchable)
    else { return text }
    let (head, tail) = (scalars[..<start], scalars[scalars.index(after: end)...])
    if head.count > 1, head.suffix(2).allSatisfy({ $0 == ":" }) { start = scalars.index(start, offsetBy: -2) }
    if tail.count > 1, tail.prefix(2).allSatisfy({ $0 == ":" }) { end = scalars.index(end, offsetBy: 2) }
    return String(scalars[start...end])
  }
}

extension String.UTF8View {
  /// Bytewise, so that a letter is not found within another that is composed of it.
  fileprivate func firstRange(of needle: String) -> Range<Int>? {
    let text = Array(self)
    let part = Array(needle.utf8)
    guard let first = part.first, text.count >= part.count else { return part.isEmpty ? 0..<0 : nil }
    for start in 0...(text.count - part.count) where text[start] == first {
      if text[start..<start + part.count].elementsEqual(part) { return start..<start + part.count }
    }
    return nil
  }
}
