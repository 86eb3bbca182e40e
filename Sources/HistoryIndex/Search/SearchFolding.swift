/// What the analysis makes of single characters and words, for queries that no index analyses (prefixes, wildcards).
enum SearchFolding {
  /// One word as the index holds it.
  static func analyzed(_ word: some StringProtocol) -> String {
    if word.utf8.allSatisfy({ $0 < 0x80 }) {
      return String(decoding: word.utf8.compactMap(TextCutter.lowercased), as: UTF8.self)
    }
    var analysis = TextAnalysis()
    return analysis.tokens(String(word)).map(\.text).joined()
  }

  /// Han, kana, Hangul and the scripts of South-East Asia, which are cut into single characters, so that a phrase is a
  /// substring.
  static func isCJK(_ scalar: Unicode.Scalar) -> Bool { TextScalar.script(scalar) != nil }

  /// Letters, digits and the marks on them: what words are made of.
  static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return isASCIIWord(scalar) }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .nonspacingMark, .spacingMark, .enclosingMark:
      return true
    default: return TextScalar.isRaisedDigit(scalar.value) || TextScalar.isRadical(scalar.value)
    }
  }

  static func isASCIIWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && TextCutter.lowercased(UInt8(truncatingIfNeeded: scalar.value)) != nil
  }
}
