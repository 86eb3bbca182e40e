import ChatRooms
import Drivers

/// A search compiled for the embedded profile: an FTS5 expression, a range of ids, and conditions on the messages found.
///
/// The parts that the index of words can tell become one expression, with all its ANDs, ORs and NOTs. Time is a range of
/// ids. What remains (literals, symbols, or time within an OR) is plain SQL on `m`, in which such expressions are sets
/// of ids. So the compiled search is exact: nothing has to be looked at afterwards.
struct SQLiteSearchPlan {
  /// For `message_words MATCH`; `nil` where every message is looked at.
  private(set) var match: String?
  /// Half-open.
  private(set) var lowestID = Int64.min
  private(set) var endID = Int64.max
  private(set) var conditions: [Condition] = []

  struct Condition: Equatable {
    var sql: String
    var parameters: [SQLValue]

    static let everything = Condition(sql: "1", parameters: [])
    static let nothing = Condition(sql: "0", parameters: [])
  }

  private enum Part {
    case match(String)
    case noMatch(String)
    case condition(Condition)
  }

  /// - Parameter rooms: what the query's room references stand for; those missing are no room.
  init(_ query: SearchQuery, rooms: NamedRooms) {
    var compiler = Compiler(rooms: rooms)
    var matches: [String] = []
    var noMatches: [String] = []
    for part in Self.conjuncts(query) {
      if case .time(let from, let to) = part {
        narrow(from: from, to: to)
        continue
      }
      for compiled in compiler.conjuncts(of: part) {
        switch compiled {
        case .match(let expression): matches.append(expression)
        case .noMatch(let expression): noMatches.append(expression)
        case .condition(let condition): if condition != .everything { conditions.append(condition) }
        }
      }
    }
    match = Compiler.conjunction(matches, without: noMatches)
  }

  /// Only these rooms.
  mutating func restrict(to rooms: [RoomID]) {
    let tags = rooms.map { Compiler.tag(MessageTags.room($0)) }
    let chosen = Compiler.disjunction(tags)
    match = match.map { "(\(chosen)) AND (\($0))" } ?? chosen
  }

  private mutating func narrow(from: Milliseconds?, to: Milliseconds?) {
    if let from { lowestID = max(lowestID, MessageKeys.first(at: from)) }
    if let to { endID = min(endID, MessageKeys.first(at: to)) }
  }

  private static func conjuncts(_ query: SearchQuery) -> [SearchQuery] {
    if case .all(let parts) = query { parts.flatMap(conjuncts) } else { [query] }
  }

  private struct Compiler {
    let rooms: NamedRooms
    var analysis = TextAnalysis()

    init(rooms: NamedRooms) { self.rooms = rooms }

    mutating func compile(_ query: SearchQuery) -> Part {
      switch query {
      case .everything: return .condition(.everything)
      case .word, .phrase, .prefix, .literal: return all(conjuncts(of: query))
      case .author(let name): return .match(Self.tag(MessageTags.author(name)))
      case .room(let reference): return room(reference)
      case .time(let from, let to): return time(from, to)
      case .has(let feature): return .match(Self.tag(MessageTags.has(feature)))
      case .mentions(let name): return .match(Self.tag(MessageTags.mention(name)))
      case .link(let host): return .match(Self.tag(MessageTags.link(host.lowercased())))
      case .not(let part): return negation(compile(part))
      case .all(let parts): return all(parts.map { compile($0) })
      case .any(let parts): return any(parts.map { compile($0) })
      }
    }

    /// What must all hold of a message, the fast parts apart from those that read its text.
    mutating func conjuncts(of query: SearchQuery) -> [Part] {
      switch query {
      case .word(let text): return LiteralCheck.isNeeded(for: query) ? withSigns(text) : [word(text)]
      case .phrase(let text):
        return LiteralCheck.isNeeded(for: query) ? withSigns(text) : [Self.anyOf([phrase(text)])]
      case .prefix(let text):
        if LiteralCheck.isNeeded(for: query) { return beginsWithSigns(text) }
        return [Self.anyOf([phrase(text), part(text)].map { $0.map { $0 + " *" } })]
      case .literal(let text):
        let test = Condition(sql: "instr(m.text, ?) > 0", parameters: [.text(text)])
        return wordsWithin(text).map(Part.match) + [.condition(test)]
      default: return [compile(query)]
      }
    }

    /// Words stand in the index without the symbols around and within them, which the text is looked at for.
    private func check(_ function: String, _ text: String) -> Part {
      .condition(Condition(sql: "\(function)(m.text, ?)", parameters: [.text(text)]))
    }

    /// A word, a part of a name, a version that a `v` may stand before.
    private mutating func word(_ text: String) -> Part {
      let version = ExtraTerms.isVersion(text) ? Self.tag(MessageTags.sign(text)) : nil
      return Self.anyOf([phrase(text), part(text), version])
    }

    /// What consists of marks alone has no word, and stands nowhere.
    private static func anyOf(_ choices: [String?]) -> Part {
      let expressions = choices.compactMap { $0 }
      return expressions.isEmpty ? .condition(.nothing) : .match(disjunction(expressions))
    }

    private mutating func part(_ text: String) -> String? {
      ExtraTerms.part(analysis.tokens(text)).map { Self.tag(MessageTags.part($0)) }
    }

    private mutating func withSigns(_ text: String) -> [Part] {
      let signs = ExtraTerms.signs(of: FoldedText(LiteralCheck.trimmed(text)))
      let found = [phrase(text)].compactMap { $0 } + signs.map { Self.tag(MessageTags.sign($0)) }
      return found.map(Part.match) + [check(SQLiteSearch.standsFunction, text)]
    }

    private mutating func beginsWithSigns(_ text: String) -> [Part] {
      let signs = ExtraTerms.signs(of: FoldedText(text), isPrefix: true)
      let found = [phrase(text).map { $0 + " *" }].compactMap { $0 } + signs.map { Self.tag(MessageTags.sign($0)) }
      return found.map(Part.match) + [check(SQLiteSearch.beginsFunction, text)]
    }

    /// `nil` if there is no word in the text.
    private mutating func phrase(_ text: String) -> String? {
      let words = analysis.words(text)
      return words.isEmpty ? nil : "text : \"\(words)\""
    }

    /// The words that stand whole in any text that holds the literal: they do not decide, but are found faster than
    /// every text is read. The first and the last may be parts of longer ones.
    private mutating func wordsWithin(_ literal: String) -> [String] {
      let words = literal.unicodeScalars.split(omittingEmptySubsequences: false) { !SearchFolding.isWordScalar($0) }
      return words.dropFirst().dropLast().compactMap { phrase(String($0)) }
    }

    private func room(_ reference: SearchQuery.RoomReference) -> Part {
      let named = rooms.filter { $0.reference == reference }
      guard !named.isEmpty else { return .condition(.nothing) }
      return .match(Self.disjunction(named.map { Self.tag(MessageTags.room($0.room.id)) }))
    }

    private func time(_ from: Milliseconds?, _ to: Milliseconds?) -> Part {
      .condition(
        Condition(
          sql: "(m.id >= ? AND m.id < ?)",
          parameters: [
            .integer(from.map(MessageKeys.first) ?? .min), .integer(to.map(MessageKeys.first) ?? .max),
          ]))
    }

    private func negation(_ part: Part) -> Part {
      switch part {
      case .match(let expression): .noMatch(expression)
      case .noMatch(let expression): .match(expression)
      case .condition(let condition):
        .condition(Condition(sql: "NOT (\(condition.sql))", parameters: condition.parameters))
      }
    }

    private func all(_ parts: [Part]) -> Part {
      var (matches, noMatches, conditions) = Self.sorted(parts)
      if conditions.isEmpty {
        if matches.isEmpty {
          return noMatches.isEmpty ? .condition(.everything) : .noMatch(Self.disjunction(noMatches))
        }
        return .match(Self.conjunction(matches, without: noMatches) ?? "")
      }
      if let match = Self.conjunction(matches, without: noMatches) { conditions.append(Self.isFound(match)) }
      return .condition(Self.join(conditions, "AND"))
    }

    private func any(_ parts: [Part]) -> Part {
      var (matches, noMatches, conditions) = Self.sorted(parts)
      conditions.removeAll { $0 == .nothing }
      if conditions.isEmpty {
        if matches.isEmpty, noMatches.isEmpty { return .condition(.nothing) }
        if noMatches.isEmpty { return .match(Self.disjunction(matches)) }
        // a OR NOT b  =  NOT (b NOT a)
        return .noMatch(Self.conjunction(noMatches, without: matches) ?? "")
      }
      if !matches.isEmpty { conditions.append(Self.isFound(Self.disjunction(matches))) }
      for noMatch in noMatches {
        let found = Self.isFound(noMatch)
        conditions.append(Condition(sql: "NOT \(found.sql)", parameters: found.parameters))
      }
      return .condition(Self.join(conditions, "OR"))
    }

    private static func sorted(_ parts: [Part]) -> (matches: [String], noMatches: [String], conditions: [Condition]) {
      var sorted: (matches: [String], noMatches: [String], conditions: [Condition]) = ([], [], [])
      for part in parts {
        switch part {
        case .match(let expression): sorted.matches.append(expression)
        case .noMatch(let expression): sorted.noMatches.append(expression)
        case .condition(let condition): sorted.conditions.append(condition)
        }
      }
      return sorted
    }

    private static func isFound(_ match: String) -> Condition {
      Condition(
        sql: "(m.id IN (SELECT rowid FROM message_words WHERE message_words MATCH ?))", parameters: [.text(match)])
    }

    private static func join(_ conditions: [Condition], _ word: String) -> Condition {
      Condition(
        sql: "(\(conditions.map(\.sql).joined(separator: " \(word) ")))", parameters: conditions.flatMap(\.parameters))
    }

    static func tag(_ tag: String) -> String { "tags : \"\(tag)\"" }

    static func disjunction(_ expressions: [String]) -> String {
      expressions.map { "(\($0))" }.joined(separator: " OR ")
    }

    /// `nil` for no expressions at all. FTS5's NOT takes from something: from everything if there is nothing else.
    static func conjunction(_ matches: [String], without noMatches: [String]) -> String? {
      if matches.isEmpty, noMatches.isEmpty { return nil }
      let base = matches.isEmpty ? tag(MessageTags.everything) : matches.map { "(\($0))" }.joined(separator: " AND ")
      return noMatches.isEmpty ? base : "(\(base)) NOT (\(disjunction(noMatches)))"
    }
  }
}
