import ChatRooms

extension SearchQuery: CustomStringConvertible {
  /// The query as it may be typed: every query that `SearchQueryParser` makes is printed so that it parses to itself.
  public var description: String {
    switch self {
    case .everything: ""
    case .word(let text): text
    case .phrase(let text): "\"\(text)\""
    case .prefix(let text): "\(text)*"
    case .literal(let text): "`\(text)`"
    case .author(let name): "from:\(Self.user(name))"
    case .mentions(let name): "mentions:\(Self.user(name))"
    case .room(.id(let id)): "in:#\(id)"
    case .room(.name(let name)): "in:\(Self.value(name, isMisread: name.unicodeScalars.first == "#"))"
    case .time(let start, let end): Self.time(from: start, to: end)
    case .has(let feature): "has:\(feature.rawValue)"
    case .link(let host): "link:\(host)"
    case .not(let query): "-\(query)"
    case .all(let queries): queries.map(\.description).joined(separator: " ")
    case .any(let queries): queries.map(\.description).joined(separator: " OR ")
    }
  }

  private static func user(_ name: String) -> String {
    value(name, isMisread: name.unicodeScalars.first == "@" || name.lowercased() == "me")
  }

  /// - Parameter isMisread: without quotes it would mean something else.
  private static func value(_ value: String, isMisread: Bool) -> String {
    let scalars = value.unicodeScalars
    let needsQuotes =
      isMisread || scalars.contains(where: SearchSyntax.isSpace) || scalars.first.map(SearchSyntax.isQuote) ?? true
    guard needsQuotes else { return value }
    var quoted = String.UnicodeScalarView("\"".unicodeScalars)
    for scalar in scalars {
      if scalar == "\\" || SearchSyntax.isQuote(scalar) { quoted.append("\\") }
      quoted.append(scalar)
    }
    quoted.append("\"")
    return String(quoted)
  }

  private static func time(from start: Milliseconds?, to end: Milliseconds?) -> String {
    switch (start, end) {
    case (let start?, let end?): "during:@\(start)..\(end)"
    case (let start?, nil): "after:@\(start)"
    case (nil, let end?): "before:@\(end)"
    case (nil, nil): ""
    }
  }
}
