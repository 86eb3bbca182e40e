import Testing

@testable import HistoryIndex

@Suite struct FoldedCharactersTests {
  @Test func whatIsAllASCIIHasTheSameSignsEitherWay() {
    var random = SystemRandomNumberGenerator()
    let letters = Array("aAbZ09vV.:/@#`+-=<>|*_ ~$%^&\"\\\n".unicodeScalars)
    for _ in 0..<2_000 {
      let count = Int.random(in: 0...20, using: &random)
      let scalars = (0..<count).compactMap { _ in letters.randomElement(using: &random) }
      let text = String(String.UnicodeScalarView(scalars))
      #expect(ExtraTerms.signs(of: FoldedASCII(text)) == ExtraTerms.signs(of: FoldedText(text)), "\(text)")
      // A letter beyond ASCII takes the way of all other texts.
      let other = ExtraTerms(text + " é")
      #expect(ExtraTerms(text) == other, "\(text)")
    }
  }

  @Test(
    arguments: [
      ("plain words", []), ("naïve", .beyondASCII), ("getUser", .camelCase), ("ABc", .camelCase), ("C++", .sign),
      ("a::b", .sign), ("a:b", []), ("v2", [.version, .camelCase]), ("3rd", .camelCase), ("3 a", []),
      ("http://a", .link), ("@Bob", [.at, .sign]), ("`x`", .backtick),
    ] as [(String, TextTraits)])
  func oneLookTellsWhatATextMayHold(text: String, traits: TextTraits) {
    #expect(TextTraits(text) == traits)
  }
}
