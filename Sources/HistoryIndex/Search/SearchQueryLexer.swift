import Foundation

/// Cuts a query into terms.
///
/// Works on code points: a quote followed by a combining mark is one `Character`, but still a quote.
struct SearchQueryLexer {
  enum Token: Equatable {
    case term(SearchQuery)
    /// The word `OR`, not negated, which joins its neighbours if both are terms.
    case or
  }

  private let operators: SearchOperators
  /// As typed; terms are made of these.
  private var scalars: [Unicode.Scalar]
  /// The same with typographic signs as their plain forms; these decide what is what.
  private var plain: [Unicode.Scalar]
  private var index = 0

  init(_ text: String, operators: SearchOperators) {
    self.operators = operators
    scalars = text.unicodeScalars.map { $0 == "\0" ? " " : $0 }
    plain = scalars.map(SearchSyntax.plainForm)
  }

  mutating func next() -> Token? {
    while index < plain.count {
      if SearchSyntax.isSpace(plain[index]) {
        index += 1
      } else if let token = nextToken() {
        return token
      }
    }
    return nil
  }

  /// Reads a token; `nil` where there was nothing in it, or a sign that closes nothing was taken out.
  private mutating func nextToken() -> Token? {
    let isNegated = plain[index] == "-" && isNegatable(at: index + 1)
    let start = isNegated ? index + 1 : index
    let term: SearchQuery?
    switch plain[start] {
    case "\"": term = enclosed(from: start).map { .phrase(SearchSyntax.trimmed($0)) }
    case "`": term = enclosed(from: start).map(SearchQuery.literal)
    default: term = operationOrWord(from: start)
    }
    guard let term, !term.isEmptyText else { return nil }
    if term == .word("OR"), !isNegated { return .or }
    return .term(isNegated ? .not(term) : term)
  }

  private func isNegatable(at index: Int) -> Bool {
    guard index < plain.count else { return false }
    return plain[index] == "\"" || plain[index] == "`" || SearchSyntax.isLetterOrDigit(plain[index])
  }

  /// The text up to the next sign like the one at `start`. Where there is none, that one is taken out, so that the rest
  /// is read as text.
  private mutating func enclosed(from start: Int) -> String? {
    guard let end = plain[(start + 1)...].firstIndex(of: plain[start]) else {
      remove(at: start)
      return nil
    }
    index = end + 1
    return string(start + 1..<end)
  }

  private mutating func operationOrWord(from start: Int) -> SearchQuery? {
    let length = plain.count
    if let operation = operation(from: start) { return operation }
    return plain.count == length ? word(from: start) : nil
  }

  private mutating func word(from start: Int) -> SearchQuery {
    let end = endOfWord(from: start)
    index = end
    let body = start..<end - 1
    let isPrefix = plain[end - 1] == "*" && plain[body].last != "*" && plain[body].contains { !$0.isPunctuationMark }
    return isPrefix ? .prefix(string(body)) : .word(string(start..<end))
  }

  /// `name:value`. Where the value cannot be meant, `nil`, and any quotes around it are taken out: it is text.
  private mutating func operation(from start: Int) -> SearchQuery? {
    let end = endOfWord(from: start)
    guard let colon = plain[start..<end].firstIndex(of: ":"), colon + 1 < plain.count else { return nil }
    let name = String(String.UnicodeScalarView(plain[start..<colon])).lowercased()
    guard SearchOperators.names.contains(name) else { return nil }
    if plain[colon + 1] == "\"" { return quotedOperation(name, openingQuote: colon + 1) }
    guard colon + 1 < end, let term = operators.term(name, string(colon + 1..<end), isQuoted: false) else { return nil }
    index = end
    return term
  }

  private mutating func quotedOperation(_ name: String, openingQuote: Int) -> SearchQuery? {
    guard let (value, end) = quotedValue(from: openingQuote + 1) else {
      remove(at: openingQuote)
      return nil
    }
    guard let term = operators.term(name, value, isQuoted: true) else {
      remove(at: end)
      remove(at: openingQuote)
      return nil
    }
    index = end + 1
    return term
  }

  /// A value up to its closing quote, and where that is. `\"` and `\\` stand for `"` and `\`.
  private func quotedValue(from start: Int) -> (value: String, end: Int)? {
    var value = String.UnicodeScalarView()
    var cursor = start
    while cursor < plain.count, plain[cursor] != "\"" {
      if plain[cursor] == "\\", cursor + 1 < plain.count, plain[cursor + 1] == "\"" || plain[cursor + 1] == "\\" {
        cursor += 1
      }
      value.append(scalars[cursor])
      cursor += 1
    }
    return cursor < plain.count ? (String(value), cursor) : nil
  }

  private mutating func remove(at index: Int) {
    scalars.remove(at: index)
    plain.remove(at: index)
  }

  private func endOfWord(from start: Int) -> Int {
    plain[start...].firstIndex(where: SearchSyntax.isSpace) ?? plain.count
  }

  private func string(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }
}

extension SearchQuery {
  /// A phrase or literal without a character.
  fileprivate var isEmptyText: Bool {
    switch self {
    case .phrase(let text), .literal(let text), .word(let text): text.isEmpty
    default: false
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isPunctuationMark: Bool { isASCII && !SearchSyntax.isLetterOrDigit(self) }
}
