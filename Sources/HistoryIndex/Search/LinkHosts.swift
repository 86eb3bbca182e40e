import Foundation

/// The hosts of a text's links and the domains above them, lowercased: `https://docs.swift.org/book` gives
/// `docs.swift.org`, `swift.org`, `org`.
///
/// A host ends at the first character that none has: people put links in quotes, brackets, emphasis and sentences of any
/// script.
enum LinkHosts {
  private static let most = 50
  private static let longest = 256
  private static let mostDomains = 8

  static func of(_ bytes: [UInt8]) -> [String] {
    var found: [String] = []
    var index = 0
    while index + 7 < bytes.count, found.count < most {
      guard bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: "/"),
        bytes[index + 2] == UInt8(ascii: "/"), hasWebScheme(bytes[..<index])
      else {
        index += 1
        continue
      }
      let authority = bytes[(index + 3)...].prefix { !endsAuthority($0) }
      for domain in domains(of: host(in: authority)) where !found.contains(domain) { found.append(domain) }
      index += 3
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
      UInt8(ascii: ">"), UInt8(ascii: ")"), UInt8(ascii: "`"), UInt8(ascii: ","), UInt8(ascii: "|"):
      true
    default: false
    }
  }

  // MARK: Host

  /// `user:password@docs.swift.org:80.` → `docs.swift.org`.
  private static func host(in authority: ArraySlice<UInt8>) -> String {
    var rest = authority
    if let at = authority.lastIndex(of: UInt8(ascii: "@")), authority[..<at].allSatisfy(isUserInfo) {
      rest = authority[(at + 1)...]
    }
    if rest.first == UInt8(ascii: "[") { return address(rest) }
    let plain = rest.prefix(while: isHostByte)
    let isEnd = plain.endIndex == rest.endIndex || rest[plain.endIndex] < 0x80
    return trimmed(isEnd ? String(decoding: plain, as: UTF8.self) : international(rest))
  }

  /// An address of IP, version 6.
  private static func address(_ rest: ArraySlice<UInt8>) -> String {
    guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return "" }
    let isAddress = rest[(rest.startIndex + 1)..<end].allSatisfy { $0 == UInt8(ascii: ":") || isHostByte($0) }
    return isAddress ? String(decoding: rest[...end], as: UTF8.self) : ""
  }

  /// With letters beyond ASCII. Chinese goes on behind a link without a space: `https://swift.org很好`.
  private static func international(_ rest: ArraySlice<UInt8>) -> String {
    var host = String.UnicodeScalarView()
    var last: Unicode.Scalar = "."
    for scalar in String(decoding: rest, as: UTF8.self).unicodeScalars {
      guard scalar.isASCII ? isHostByte(UInt8(truncatingIfNeeded: scalar.value)) : SearchFolding.isWordScalar(scalar)
      else { break }
      if SearchFolding.isCJK(scalar), SearchFolding.isASCIIWord(last), host.contains(".") { break }
      host.append(scalar)
      last = scalar
    }
    return String(host).precomposedStringWithCanonicalMapping
  }

  private static func trimmed(_ host: String) -> String {
    var host = host[...]
    while host.last == "_" || host.last == "-" || host.last == "." { host.removeLast() }
    return String(host)
  }

  private static func domains(of host: String) -> [String] {
    guard host.first != "[" else { return host.utf8.count <= longest ? [host.lowercased()] : [] }
    var labels = host.lowercased().split(separator: ".")[...]
    var domains: [String] = []
    while !labels.isEmpty, domains.count < mostDomains {
      domains.append(labels.joined(separator: "."))
      labels = labels.dropFirst()
    }
    return domains.filter { $0.utf8.count <= longest }
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    TextCutter.lowercased(byte) != nil || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: "_")
  }

  /// RFC 3986, section 3.2.1.
  private static func isUserInfo(_ byte: UInt8) -> Bool {
    isHostByte(byte) || "~!$&'(*+;=:%".utf8.contains(byte)
  }
}
