import ChatRooms

/// A text as the index's analyzer cuts it, for matching messages that the index does not show yet.
///
/// Words and numbers are one token each, folded; each character of Han, kana and Hangul is one (the index has pairs too,
/// but a phrase of single characters finds the same); each emoji is one.
struct TextTokens: Sendable {
  struct Token: Sendable, Equatable {
    var text: String
    /// In UTF-16 units of the whole text.
    var start: Int
    var end: Int
  }

  private(set) var tokens: [Token] = []

  init(_ text: String) {
    let text = ComposedText.ifDifferent(text) ?? text
    var run = ""
    var start = 0
    var offset = 0
    for scalar in text.unicodeScalars {
      let isWord = SearchFolding.isWordScalar(scalar)
      let standsAlone = SearchFolding.isCJK(scalar) || !isWord && LiteralCheck.isSearchable(scalar)
      if !isWord || standsAlone { end(&run, start, offset) }
      if standsAlone {
        append(String(scalar), offset, offset + UTF16.width(scalar))
      } else if isWord {
        if run.isEmpty { start = offset }
        run.unicodeScalars.append(scalar)
      }
      offset += UTF16.width(scalar)
    }
    end(&run, start, offset)
  }

  private mutating func end(_ run: inout String, _ start: Int, _ offset: Int) {
    guard !run.isEmpty else { return }
    append(run, start, offset)
    run = ""
  }

  private mutating func append(_ text: String, _ start: Int, _ end: Int) {
    tokens.append(Token(text: SearchFolding.analyzed(text), start: start, end: end))
  }

  /// Where other tokens stand next to each other in this text.
  ///
  /// - Parameter isPrefix: the last of them may be the beginning of a longer one.
  func ranges(of phrase: TextTokens, isPrefix: Bool = false) -> [Highlight] {
    guard let last = phrase.tokens.indices.last, tokens.count > last else { return [] }
    return (0..<(tokens.count - last)).compactMap { first in
      for step in 0..<last where tokens[first + step].text != phrase.tokens[step].text { return nil }
      let here = tokens[first + last].text
      let wanted = phrase.tokens[last].text
      guard isPrefix ? here.hasPrefix(wanted) : here == wanted else { return nil }
      let start = tokens[first].start
      return Highlight(start: start, length: tokens[first + last].end - start)
    }
  }
}
