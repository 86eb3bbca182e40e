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

  /// Whether a message matches.
  ///
  /// - Parameter isMatched: what the index says of a part that it can tell.
  static func holds(_ query: SearchQuery, on message: Message, isMatched: (SearchQuery) -> Bool) -> Bool {
    holds(query, text: message.text, folded: SearchFolding.folded(message.text), isMatched)
  }

  /// Whether a text holds what the query's words say with their symbols; what the index can tell counts as told.
  static func holds(_ query: SearchQuery, in text: String) -> Bool {
    holds(query, text: text, folded: SearchFolding.folded(text)) { _ in true }
  }

  private static func holds(
    _ query: SearchQuery, text: String, folded: String, _ isMatched: (SearchQuery) -> Bool
  ) -> Bool {
    switch query {
    case .not(let part): return !holds(part, text: text, folded: folded, isMatched)
    case .all(let parts): return parts.allSatisfy { holds($0, text: text, folded: folded, isMatched) }
    case .any(let parts): return parts.contains { holds($0, text: text, folded: folded, isMatched) }
    default: break
    }
    guard isNeeded(for: query) else { return isMatched(query) }
    switch query {
    case .literal(let literal): return text.utf8.firstRange(of: literal) != nil
    case .word(let word), .phrase(let word):
      return contains(folded, SearchFolding.folded(trimmed(word)), isPrefix: false)
    case .prefix(let word): return contains(folded, SearchFolding.folded(word), isPrefix: true)
    default: return true
    }
  }

  /// Symbols that the analyzer drops and that mean something within or around a word. Punctuation at its ends does not.
  static func holdsSymbols(_ text: String) -> Bool {
    let core = trimmed(text)
    if core.contains("::") || !core.unicodeScalars.contains(where: isSearchable) { return true }
    return core.unicodeScalars.contains { scalar in
      if "#%@\\&*".unicodeScalars.contains(scalar) { return true }
      switch scalar.properties.generalCategory {
      case .mathSymbol, .currencySymbol, .modifierSymbol: return true
      default: return false
      }
    }
  }

  /// The analyzer makes a token of it, or a part of one: words and emoji.
  static func isSearchable(_ scalar: Unicode.Scalar) -> Bool {
    SearchFolding.isWordScalar(scalar) || scalar.properties.generalCategory == .otherSymbol
  }

  /// Without the punctuation of a sentence around it; whole if it is nothing else.
  private static func trimmed(_ text: String) -> String {
    let punctuation = Set(".,;:!?\"'()[]{}…«»“”‘’「」『』。、，！？`".unicodeScalars)
    let core = text.unicodeScalars.drop(while: punctuation.contains)
    guard let end = core.lastIndex(where: { !punctuation.contains($0) }) else { return text }
    return String(core[...end])
  }

  /// `word` stands in `text`, not as a part of a longer word.
  private static func contains(_ text: String, _ word: String, isPrefix: Bool) -> Bool {
    let text = Array(text.unicodeScalars)
    let word = Array(word.unicodeScalars)
    guard let first = word.first, let last = word.last, text.count >= word.count else { return word.isEmpty }
    for start in 0...(text.count - word.count) where text[start] == first {
      let end = start + word.count
      guard text[start..<end].elementsEqual(word) else { continue }
      let isOpen = start > 0 && joins(text[start - 1], first)
      let isShut = !isPrefix && end < text.count && joins(last, text[end])
      if !isOpen && !isShut { return true }
    }
    return false
  }

  private static func joins(_ left: Unicode.Scalar, _ right: Unicode.Scalar) -> Bool {
    SearchFolding.isWordScalar(left) && SearchFolding.isWordScalar(right) && !SearchFolding.isCJK(left)
      && !SearchFolding.isCJK(right)
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
