/// What a text holds beside words, computed once when it is indexed: hosts of its links, names that it mentions, code.
struct MessageFeatures: Equatable {
  /// Each host of a link and the domains above it (`LinkHosts`).
  var links: [String] = []
  /// What the names after each `@` may be (`MentionedNames`).
  var mentions: [String] = []
  var hasCode = false

  init(_ text: String) { self.init(text, traits: TextTraits(text)) }

  /// - Parameter traits: the text's.
  init(_ text: String, traits: TextTraits) {
    if traits.isDisjoint(with: [.at, .backtick, .link]) { return }
    let bytes = Array(text.utf8)
    if traits.contains(.backtick) { hasCode = Self.holdsCode(bytes) }
    if traits.contains(.link) { links = LinkHosts.of(bytes) }
    if traits.contains(.at) { mentions = MentionedNames.of(bytes) }
  }

  /// Two backticks with something between them.
  private static func holdsCode(_ bytes: [UInt8]) -> Bool {
    let tick = UInt8(ascii: "`")
    guard let first = bytes.firstIndex(of: tick), let last = bytes.lastIndex(of: tick) else { return false }
    return bytes[first...last].contains { $0 != tick }
  }
}
