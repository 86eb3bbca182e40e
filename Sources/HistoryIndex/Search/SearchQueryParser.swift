import ChatRooms
import Foundation

/// Reads what a user typed into the search field.
///
/// ```
/// query   = { group }                     all groups must match; no group: everything
/// group   = term { "OR" term }            one of them must match
/// term    = [ "-" ] ( word | word* | "a phrase" | `literal` | operator:value | operator:"quoted value" )
/// ```
/// Nothing that is typed is an error, but for its length: what does not parse is searched as text. The result is at
/// most four levels deep (`all`, `any`, `not`, a term), whatever was typed.
public struct SearchQueryParser: Sendable {
  /// Code points of a query.
  public static let maximumLength = 1_000

  private let operators: SearchOperators

  /// - Parameters:
  ///   - now: what relative times count from.
  ///   - timeZone: whose days, months and years are meant.
  ///   - me: the caller's name.
  public init(now: Milliseconds, timeZone: TimeZone, me: String?) {
    operators = SearchOperators(dates: SearchDates(now: now, timeZone: timeZone), me: me)
  }

  /// - Throws: `ChatError` 400 `invalid_q` for a text of more than 1,000 code points.
  public func parse(_ text: String) throws(ChatError) -> SearchQuery {
    guard text.unicodeScalars.count <= Self.maximumLength else {
      throw .invalid("q", "A search has at most \(Self.maximumLength) characters.")
    }
    var lexer = SearchQueryLexer(text, operators: operators)
    var tokens: [SearchQueryLexer.Token] = []
    while let token = lexer.next() { tokens.append(token) }
    return Self.tree(of: tokens)
  }

  private static func tree(of tokens: [SearchQueryLexer.Token]) -> SearchQuery {
    var groups: [[SearchQuery]] = []
    var joinsGroup = false
    for (index, token) in tokens.enumerated() {
      switch token {
      case .or where isTerm(tokens, index - 1) && isTerm(tokens, index + 1):
        joinsGroup = true
        continue
      case .or: groups.append([.word("OR")])
      case .term(let term) where joinsGroup: groups[groups.count - 1].append(term)
      case .term(let term): groups.append([term])
      }
      joinsGroup = false
    }
    let terms = groups.map { $0.count == 1 ? $0[0] : .any($0) }
    return terms.isEmpty ? .everything : terms.count == 1 ? terms[0] : .all(terms)
  }

  private static func isTerm(_ tokens: [SearchQueryLexer.Token], _ index: Int) -> Bool {
    guard tokens.indices.contains(index), case .term = tokens[index] else { return false }
    return true
  }
}
