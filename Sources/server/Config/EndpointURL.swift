import Foundation

/// A URL of a back end: `scheme://[user[:password]@]host[:port][/path]`.
struct EndpointURL: Sendable, Equatable {
  var scheme: String
  /// Percent-decoded.
  var user: String?
  var password: String?
  /// Without the brackets of an IPv6 address.
  var host: String
  var port: Int?
  /// After the first slash; empty if there is none.
  var path: String

  /// `nil` for what is no such URL.
  init?(_ text: String) {
    guard let separator = text.firstRange(of: "://"), separator.lowerBound > text.startIndex else { return nil }
    scheme = text[..<separator.lowerBound].lowercased()
    let rest = text[separator.upperBound...]
    // A password may hold a slash or an @: the last @ ends it, wherever it stands.
    let hostStart = rest.lastIndex(of: "@").map { rest.index(after: $0) } ?? rest.startIndex
    if hostStart > rest.startIndex {
      let pair = rest[..<rest.index(before: hostStart)].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard let user = pair[0].removingPercentEncoding else { return nil }
      self.user = user.isEmpty ? nil : user
      if pair.count == 2 {
        guard let password = pair[1].removingPercentEncoding else { return nil }
        self.password = password
      }
    }
    let address = rest[hostStart...]
    let slash = address.firstIndex(of: "/") ?? address.endIndex
    path = String(address[slash...].dropFirst())
    guard let (host, port) = Self.hostAndPort(address[..<slash]) else { return nil }
    self.host = host
    self.port = port
  }

  /// Splits `host`, `host:port`, `[::1]` and `[::1]:port`.
  static func hostAndPort(_ text: Substring) -> (host: String, port: Int?)? {
    var host = text
    var port: Int?
    if let colon = text.lastIndex(of: ":"), !(text.last == "]") {
      guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
      port = Int(number)
      host = text[..<colon]
    }
    if host.first == "[" {
      guard host.last == "]" else { return nil }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    let isPlain = host.allSatisfy { !$0.isWhitespace && !"@/?#[]".contains($0) }
    return host.isEmpty || !isPlain ? nil : (String(host), port)
  }

  /// The text with whatever may be a password made unreadable.
  static func masked(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
    guard start <= at else { return text }
    let user = text[start..<at].prefix { $0 != ":" }
    return text[..<start] + user + ":***" + text[at...]
  }
}
