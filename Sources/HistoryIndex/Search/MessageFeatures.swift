/// What a text holds beside words, computed once when it is indexed: hosts of its links, names that it mentions, code.
struct MessageFeatures: Equatable {
  /// Each host of a link and the domains above it, lowercased: `docs.swift.org` gives also `swift.org`, `org`.
  var links: [String] = []
  /// What follows an `@`, with and without the punctuation at its end.
  var mentions: [String] = []
  var hasCode = false

  private static let most = 50
  private static let longestName = 256

  init(_ text: String) { self.init(text, traits: TextTraits(text)) }

  /// - Parameter traits: the text's.
  init(_ text: String, traits: TextTraits) {
    if traits.isDisjoint(with: [.at, .backtick, .link]) { return }
    let bytes = Array(text.utf8)
    if traits.contains(.backtick) { hasCode = Self.holdsCode(bytes) }
    if traits.contains(.link) { links = Self.hosts(bytes) }
    if traits.contains(.at) { mentions = Self.names(bytes) }
  }

  /// Two backticks with something between them.
  private static func holdsCode(_ bytes: [UInt8]) -> Bool {
    let tick = UInt8(ascii: "`")
    guard let first = bytes.firstIndex(of: tick), let last = bytes.lastIndex(of: tick) else { return false }
    return bytes[first...last].contains { $0 != tick }
  }

  private static func hosts(_ bytes: [UInt8]) -> [String] {
    var found: [String] = []
    var index = 0
    while index + 7 < bytes.count, found.count < most {
      guard bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: "/"),
        bytes[index + 2] == UInt8(ascii: "/"), hasWebScheme(bytes[..<index])
      else {
        index += 1
        continue
      }
      let rest = bytes[(index + 3)...]
      let authority = rest.prefix { !endsAuthority($0) }
      append(domains(of: authority), to: &found)
      index = authority.endIndex
    }
    return found
  }

  private static func hasWebScheme(_ before: ArraySlice<UInt8>) -> Bool {
    let tail = String(decoding: before.suffix(5), as: UTF8.self).lowercased()
    return tail == "https" || tail.hasSuffix("http")
  }

  private static func endsAuthority(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"),
      UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "`"), UInt8(ascii: ","):
      true
    default: false
    }
  }

  /// `user@docs.swift.org:80.` → `docs.swift.org`, `swift.org`, `org`.
  private static func domains(of authority: ArraySlice<UInt8>) -> [String] {
    let host = (authority.split(separator: UInt8(ascii: "@")).last ?? authority).prefix { $0 != UInt8(ascii: ":") }
    var labels = host.split(separator: UInt8(ascii: ".")).map { String(decoding: $0, as: UTF8.self).lowercased() }[...]
    var domains: [String] = []
    while !labels.isEmpty, domains.count < 8 {
      domains.append(labels.joined(separator: "."))
      labels = labels.dropFirst()
    }
    return domains.filter { $0.utf8.count <= longestName }
  }

  private static func names(_ bytes: [UInt8]) -> [String] {
    var found: [String] = []
    for index in bytes.indices where bytes[index] == UInt8(ascii: "@") && found.count < most {
      // Not within a word: an address is no mention.
      if index > 0, isWord(bytes[index - 1]) { continue }
      let whole = bytes[(index + 1)...].prefix { $0 > 0x20 && $0 != UInt8(ascii: "@") }
      guard !whole.isEmpty, whole.count <= longestName else { continue }
      let trimmed = whole.prefix(through: whole.lastIndex { isWord($0) } ?? whole.startIndex)
      append([trimmed, whole].map { String(decoding: $0, as: UTF8.self) }, to: &found)
    }
    return found
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func append(_ new: [String], to found: inout [String]) {
    for value in new where !value.isEmpty && !found.contains(value) { found.append(value) }
  }
}
