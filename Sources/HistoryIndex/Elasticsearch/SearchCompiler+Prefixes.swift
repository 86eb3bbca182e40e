import Drivers

/// Beginnings of words, alone and many at once.
extension SearchCompiler {
  /// Elasticsearch does not analyse a prefix, so only its last part is one, and what stands before it is a phrase.
  static func prefix(_ text: String) -> JSONValue {
    if let terms = beginnings(text) {
      return disjunction(terms.map { ["prefix": .object([($0.field, .string($0.beginning))])] })
    }
    let scalars = IndexedText.of(text).unicodeScalars
    let (head, last) = split(scalars)
    // Pairs and single characters are in the index, longer beginnings are not; a phrase of them is as good.
    guard !scalars.contains(where: SearchFolding.isCJK), !last.isEmpty else {
      return conjunction([phrase(text, of: .prefix(text))] + signs(text, isPrefix: true))
    }
    let clause: JSONValue = ["prefix": ["text": .string(SearchFolding.analyzed(last))]]
    return conjunction([phrase(head), clause] + signs(text, isPrefix: true))
  }

  /// What a word of the index begins with, where that is all there is to a prefix.
  private static func beginnings(_ text: String) -> [(field: String, beginning: String)]? {
    let scalars = IndexedText.of(text).unicodeScalars
    let (head, last) = split(scalars)
    guard !scalars.contains(where: SearchFolding.isCJK), !last.isEmpty,
      head.unicodeScalars.allSatisfy(SearchSyntax.isSpace)
    else { return nil }
    var analysis = TextAnalysis()
    let part = ExtraTerms.part(analysis.tokens(last))
    return [("text", SearchFolding.analyzed(last))] + (part.map { [("parts", $0)] } ?? [])
  }

  private static func split(_ scalars: String.UnicodeScalarView) -> (head: String, last: String) {
    let start = scalars.lastIndex { !LiteralCheck.isSearchable($0) }.map(scalars.index(after:)) ?? scalars.startIndex
    return (String(scalars[..<start]), String(scalars[start...]))
  }

  /// The beginnings of which any will do, as one clause a field, and the parts that are something else. One by one they
  /// would be merged document by document, which is most of what such a search costs where it is scored; but then their
  /// scores would add up.
  ///
  /// - Parameter named: parts that must keep a clause of their own.
  static func beginnings(
    among parts: [SearchQuery], apartFrom named: [SearchQuery]
  ) -> (clauses: [JSONValue], others: [SearchQuery]) {
    var terms: [(field: String, beginning: String)] = []
    var others: [SearchQuery] = []
    for part in parts {
      if case .prefix(let text) = part, !LiteralCheck.isNeeded(for: part), !named.contains(part),
        let found = beginnings(text)
      {
        terms += found
      } else {
        others.append(part)
      }
    }
    guard parts.count > others.count + 1 else { return ([], parts) }
    return (["text", "parts"].flatMap { field in expressions(field, terms.filter { $0.field == field }) }, others)
  }

  /// Elasticsearch takes expressions of up to 1,000 characters.
  private static let longestExpression = 900

  private static func expressions(_ field: String, _ terms: [(field: String, beginning: String)]) -> [JSONValue] {
    var expressions: [String] = []
    for term in terms {
      let escaped = escaped(term.beginning)
      if let last = expressions.last, last.count + escaped.count < longestExpression {
        expressions[expressions.count - 1] = last + "|" + escaped
      } else {
        expressions.append(escaped)
      }
    }
    return expressions.map { ["regexp": .object([(field, .string("(\($0)).*"))])] }
  }

  private static func escaped(_ beginning: String) -> String {
    var escaped = ""
    for scalar in beginning.unicodeScalars {
      if scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) { escaped += "\\" }
      escaped.unicodeScalars.append(scalar)
    }
    return escaped
  }
}
