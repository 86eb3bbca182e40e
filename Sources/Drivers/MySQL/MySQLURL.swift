import Foundation

/// Where a MySQL or MariaDB server is and who asks: `mysql://user:password@host:3306/name?ssl=verify&ssl_ca=/path`.
///
/// Options: `ssl` is `disabled` (the default), `required` (encrypted, whoever answers) or `verify` (the certificate and
/// its host name are checked; the default where `ssl_ca` is given); `ssl_ca` is the path of a PEM file.
public struct MySQLURL: Sendable, Equatable, CustomStringConvertible {
  public enum Encryption: String, Sendable, CaseIterable {
    case disabled, required, verify
  }

  public var user: String
  public var password: String
  public var host: String
  public var port: UInt16
  /// `nil`: none is selected.
  public var database: String?
  public var encryption: Encryption
  /// The path of a PEM file with the authorities to trust; `nil`: the system's.
  public var certificateAuthorities: String?

  public static let defaultPort: UInt16 = 3306

  /// - Throws: `MySQLURLError`, which names the part at fault and shows no password.
  public init(_ text: String) throws(MySQLURLError) {
    var parser = MySQLURLParser(text)
    self = try parser.parse()
  }

  init(user: String, password: String, host: String, port: UInt16, database: String?) {
    self.user = user
    self.password = password
    self.host = host
    self.port = port
    self.database = database
    encryption = .disabled
    certificateAuthorities = nil
  }

  /// The same server, another database.
  public func selecting(database: String?) -> MySQLURL {
    var url = self
    url.database = database
    return url
  }

  /// The URL without its password.
  public var description: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return "mysql://\(user)\(password.isEmpty ? "" : ":***")@\(host):\(port)/\(database ?? "")"
  }
}

/// A URL that is none of MySQL's.
public struct MySQLURLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong with which part, and the URL with its password masked.
  public var description: String
}

/// Splits by hand: a password may hold what URL parsers choke on, and the error must name the part at fault.
private struct MySQLURLParser {
  private let text: Substring

  init(_ text: String) { self.text = text[...] }

  mutating func parse() throws(MySQLURLError) -> MySQLURL {
    guard text.hasPrefix("mysql://") else { throw failure("it does not begin with mysql://") }
    let (beforeQuery, query) = split(text.dropFirst("mysql://".count), at: "?")
    guard let at = beforeQuery.lastIndex(of: "@") else { throw failure("the user is missing") }
    let (user, password) = split(beforeQuery[..<at], at: ":")
    let (authority, database) = split(beforeQuery[beforeQuery.index(after: at)...], at: "/")
    let (host, port) = try hostAndPort(authority)
    guard !user.isEmpty else { throw failure("the user is missing") }
    var url = MySQLURL(
      user: try decoded(user, "user"), password: try decoded(password ?? "", "password"),
      host: try decoded(host, "host"), port: port,
      database: try database.flatMap { name throws(MySQLURLError) in
        name.isEmpty ? nil : try decoded(name, "database name")
      })
    for option in (query ?? "").split(separator: "&") { try apply(option, to: &url) }
    if url.certificateAuthorities != nil, url.encryption == .disabled { url.encryption = .verify }
    return url
  }

  private func hostAndPort(_ authority: Substring) throws(MySQLURLError) -> (Substring, UInt16) {
    var (host, rest) = (authority, Substring())
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      host = authority[authority.index(after: authority.startIndex)..<end]
      rest = authority[authority.index(after: end)...]
    } else if let colon = authority.firstIndex(of: ":") {
      (host, rest) = (authority[..<colon], authority[colon...])
    }
    guard !host.isEmpty else { throw failure("the host is missing") }
    if rest.isEmpty { return (host, MySQLURL.defaultPort) }
    guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), port > 0 else {
      throw failure("the port is not a number from 1 to 65535")
    }
    return (host, port)
  }

  private func apply(_ option: Substring, to url: inout MySQLURL) throws(MySQLURLError) {
    let (name, value) = split(option, at: "=")
    switch name {
    case "ssl":
      guard let encryption = MySQLURL.Encryption(rawValue: String(value ?? "")) else {
        throw failure("ssl is not one of disabled, required, verify")
      }
      url.encryption = encryption
    case "ssl_ca":
      guard let value, !value.isEmpty else { throw failure("ssl_ca names no file") }
      url.certificateAuthorities = try decoded(value, "ssl_ca")
    default: throw failure("the option \(name) is not known (known: ssl, ssl_ca)")
    }
  }

  private func split(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
    guard let index = text.firstIndex(of: separator) else { return (text, nil) }
    return (text[..<index], text[text.index(after: index)...])
  }

  private func decoded(_ text: Substring, _ part: String) throws(MySQLURLError) -> String {
    guard let decoded = String(text).removingPercentEncoding, !decoded.utf8.contains(0) else {
      throw failure("the \(part) is not percent-encoded UTF-8")
    }
    return decoded
  }

  private func failure(_ reason: String) -> MySQLURLError {
    MySQLURLError(description: "expected mysql://user:password@host:3306/name, got \(masked): \(reason)")
  }

  /// Everything between the first colon after the scheme and the last `@` may be a password.
  private var masked: String {
    guard let scheme = text.range(of: "://"), let at = text.lastIndex(of: "@"), scheme.upperBound < at,
      let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
    else { return String(text) }
    return text[...colon] + "***" + text[at...]
  }
}
