import ChatRooms
import Foundation

/// What `name:value` means.
struct SearchOperators: Sendable {
  /// Operators of a later version. Until then they are text.
  static let reserved: Set<String> = ["is", "thread", "with", "ext", "file", "code"]
  static let names: Set<String> = reserved.union([
    "from", "in", "before", "after", "on", "during", "has", "mentions", "link",
  ])

  let dates: SearchDates
  /// The caller's name.
  let me: String?

  /// - Parameters:
  ///   - name: in lower case.
  ///   - isQuoted: the value is meant as it stands: `from:"me"` is a user called me.
  /// - Returns: `nil` if the value means nothing there.
  func term(_ name: String, _ value: String, isQuoted: Bool) -> SearchQuery? {
    guard !value.isEmpty else { return nil }
    return switch name {
    case "from": user(value, isQuoted: isQuoted).map(SearchQuery.author)
    case "mentions": user(value, isQuoted: isQuoted).map(SearchQuery.mentions)
    case "in": .room(room(value, isQuoted: isQuoted))
    case "has": SearchQuery.Feature(rawValue: value.lowercased()).map(SearchQuery.has)
    case "link": host(value).map(SearchQuery.link)
    case "before": dates.range(value).map { .time(from: nil, to: $0.start) }
    case "after": dates.range(value).map { .time(from: $0.end ?? $0.start, to: nil) }
    case "on", "during": dates.range(value).map { .time(from: $0.start, to: $0.end) }
    default: nil
    }
  }

  /// Names are NFC. People also write `from:@John`.
  private func user(_ value: String, isQuoted: Bool) -> String? {
    let name = value.precomposedStringWithCanonicalMapping
    if isQuoted { return name }
    if name.lowercased() == "me" { return me ?? name }
    guard name.unicodeScalars.first == "@" else { return name }
    let rest = String(name.unicodeScalars.dropFirst())
    return rest.isEmpty ? nil : rest
  }

  private func room(_ value: String, isQuoted: Bool) -> SearchQuery.RoomReference {
    if !isQuoted, value.unicodeScalars.first == "#", let id = Self.number(value.dropFirst()) { return .id(id) }
    return .name(value)
  }

  /// Digits and nothing else: `Int64("+1")` is a number too.
  static func number(_ digits: Substring) -> Int64? {
    digits.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int64(digits) : nil
  }

  /// The host of a link: people paste whole URLs.
  private func host(_ value: String) -> String? {
    var rest = value.precomposedStringWithCanonicalMapping.lowercased()[...]
    if let scheme = rest.range(of: "://") { rest = rest[scheme.upperBound...] }
    rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if let port = rest.lastIndex(of: ":"), Self.number(rest[rest.index(after: port)...]) != nil { rest = rest[..<port] }
    while rest.hasSuffix(".") { rest.removeLast() }
    let isHost = rest.unicodeScalars.allSatisfy { SearchFolding.isWordScalar($0) || "-._".unicodeScalars.contains($0) }
    return !rest.isEmpty && isHost && rest.first != "." && rest.first != "-" ? String(rest) : nil
  }
}
