import Foundation

/// Where a Redis server is: `redis://[[user]:password@]host[:port][/database]`.
public struct RedisURL: Sendable, Equatable {
  public static let defaultPort: UInt16 = 6_379

  public var host: String
  public var port: UInt16
  /// For servers with access control lists; `nil` is the user `default`.
  public var user: String?
  public var password: String?
  public var database: Int

  public init(host: String, port: UInt16 = defaultPort, user: String? = nil, password: String? = nil, database: Int = 0)
  {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.database = database
  }

  /// - Throws: `RedisURLError`, which shows no password.
  public init(_ text: String) throws(RedisURLError) {
    guard text.hasPrefix("redis://") else {
      let reason = text.hasPrefix("rediss://") ? "TLS is not supported" : "it must begin with redis://"
      throw RedisURLError(url: Self.masked(text), reason: reason)
    }
    func wrong(_ reason: String) -> RedisURLError { RedisURLError(url: Self.masked(text), reason: reason) }
    let (credentials, location) = Self.split(text.dropFirst("redis://".count))
    let path = location.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let (host, port) = Self.address(path[0]) else { throw wrong("host or port is not valid") }
    let digits = path.count > 1 && !path[1].isEmpty ? path[1] : "0"
    guard digits.allSatisfy(\.isASCII), let database = UInt16(digits) else { throw wrong("the database is no number") }
    self.init(host: host, port: port, database: Int(database))
    guard let credentials else { return }
    let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let user = String(parts[0]).removingPercentEncoding, parts.count == 2,
      let password = String(parts[1]).removingPercentEncoding, !password.isEmpty
    else { throw wrong("before @ there must be :password or user:password") }
    self.user = user.isEmpty ? nil : user
    self.password = password
  }

  /// The last `@` ends the credentials: passwords are often not percent-encoded.
  private static func split(_ rest: Substring) -> (credentials: Substring?, location: Substring) {
    guard let at = rest.lastIndex(of: "@") else { return (nil, rest) }
    return (rest[..<at], rest[rest.index(after: at)...])
  }

  private static func address(_ text: Substring) -> (host: String, port: UInt16)? {
    var host = text
    var port = defaultPort
    if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
      guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { return nil }
      (host, port) = (text[..<colon], number)
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "[" || $0 == "]" }) else { return nil }
    return (String(host), port)
  }

  private static func masked(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let start = text.range(of: "://")?.upperBound ?? text.startIndex
    return start <= at ? text[..<start] + "***" + text[at...] : "***" + text[at...]
  }
}

extension RedisURL: CustomStringConvertible {
  /// Without the password.
  public var description: String {
    let credentials = password == nil ? "" : "\(user ?? ""):***@"
    let host = host.contains(":") ? "[\(host)]" : host
    return "redis://\(credentials)\(host):\(port)/\(database)"
  }
}

/// Why a text is no URL of a Redis server.
public struct RedisURLError: Error, Equatable, CustomStringConvertible {
  /// What came, with the password masked.
  public var url: String
  public var reason: String

  public var description: String {
    "\(url): \(reason); expected redis://[[user]:password@]host[:port][/database]"
  }
}
