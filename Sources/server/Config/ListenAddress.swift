/// Where the server listens.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// A name or an address; IPv6 without brackets.
  var host: String
  /// 0: any free port.
  var port: Int

  /// `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for this machine alone.
  init?(_ text: String) {
    let whole = text.hasPrefix(":") ? "127.0.0.1\(text)" : text
    guard let (host, port) = EndpointURL.hostAndPort(whole[...]), let port else { return nil }
    self.init(host: host, port: port)
  }

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Only programs on this machine can reach it.
  var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
