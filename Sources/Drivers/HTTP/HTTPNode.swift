import Foundation

/// How a client proves who it is.
public enum HTTPCredentials: Sendable {
  case none
  case basic(user: String, password: String)
  /// Elasticsearch's: the encoded form, `Authorization: ApiKey …`.
  case apiKey(String)

  var header: String? {
    switch self {
    case .none: nil
    case .basic(let user, let password):
      "Authorization: Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
    case .apiKey(let key): "Authorization: ApiKey \(key)"
    }
  }
}

/// A server of a `NodePool`.
public struct HTTPNode: Sendable {
  /// `http://host:port`, without a path's last slash.
  public var origin: String
  public var credentials: HTTPCredentials

  public init(origin: String, credentials: HTTPCredentials = .none) {
    self.origin = origin
    self.credentials = credentials
  }

  /// Reads `http(s)://[user:password@]host[:port]`; `nil` for anything else.
  ///
  /// - Parameter apiKey: used where the URL names no user.
  public init?(parsing url: String, apiKey: String? = nil) {
    guard var parts = URLComponents(string: url), parts.scheme == "http" || parts.scheme == "https",
      parts.host?.isEmpty == false, parts.port.map({ (1...65_535).contains($0) }) ?? true,
      parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.fragment == nil
    else { return nil }
    credentials =
      if let user = parts.user { .basic(user: user, password: parts.password ?? "") } else if let apiKey {
        .apiKey(apiKey)
      } else { .none }
    (parts.user, parts.password, parts.path) = (nil, nil, "")
    guard let origin = parts.string else { return nil }
    self.origin = origin
  }
}
