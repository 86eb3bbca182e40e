/// The signs that mean something in a query, by code point.
enum SearchSyntax {
  /// What a sign counts as: people type quotes, colons and spaces as their keyboards give them.
  static func plainForm(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar {
    case "\u{201C}", "\u{201D}", "\u{201E}", "\u{201F}", "\u{00AB}", "\u{00BB}", "\u{301D}", "\u{301E}", "\u{301F}",
      "\u{FF02}":
      "\""
    case "\u{3000}": " "
    case "\u{FF1A}": ":"
    case "\u{FF0D}": "-"
    default: scalar
    }
  }

  static func isQuote(_ scalar: Unicode.Scalar) -> Bool { plainForm(scalar) == "\"" }

  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
  }

  static func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let start = scalars.firstIndex(where: { !isSpace($0) }), let end = scalars.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(scalars[start...end])
  }
}
