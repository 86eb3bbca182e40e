/// A request of ours to an HTTP server.
public struct HTTPRequest: Sendable {
  public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
  }

  public var method: Method
  /// Absolute: `http://host:port/path?query`.
  public var url: String
  /// `Name: value`, without line breaks.
  public var headers: [String]
  /// Sent with `Content-Length`, never chunked. `nil`: no body.
  public var body: [UInt8]?
  /// From handing it over to the last byte of the reply.
  public var timeout: Duration
  /// Larger replies fail with `HTTPError.Kind.replyTooLarge`.
  public var maximumReplyBytes: Int
  /// Whether the server may compress its reply. Costs more than it saves where the network is fast.
  public var acceptsCompression: Bool

  public init(
    _ method: Method, _ url: String, headers: [String] = [], body: [UInt8]? = nil, timeout: Duration = .seconds(10),
    maximumReplyBytes: Int = 64 << 20, acceptsCompression: Bool = false
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maximumReplyBytes = maximumReplyBytes
    self.acceptsCompression = acceptsCompression
  }
}

/// A whole reply, whatever its status.
public struct HTTPReply: Sendable, Equatable {
  public var status: Int
  /// Decompressed.
  public var body: [UInt8]

  public init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}

/// Why there is no reply.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// No connection: the request was not sent.
    case unreachable
    /// The connection broke. Whether the server did the work is unknown.
    case disconnected
    /// The deadline passed. Whether the server did the work is unknown.
    case timedOut
    /// The server's certificate, or ours, was not accepted.
    case tls
    case replyTooLarge
    case cancelled
    /// The client was shut down.
    case closed
    /// The request cannot be sent as it is (a malformed URL).
    case invalid
    case other
  }

  public var kind: Kind
  /// libcurl's own words.
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }

  static let closed = HTTPError(.closed, "The HTTP client is closed.")
}

/// How connections are made.
public struct HTTPClientOptions: Sendable {
  /// To establish a connection, TLS included.
  public var connectTimeout: Duration = .seconds(2)
  /// Connections to one host; more requests wait for a free one.
  public var connectionsPerHost = 32
  /// A PEM file of certificates to trust instead of the system's.
  public var certificateAuthorities: String?
  public var userAgent = "palaver"

  public init() {}
}

extension Duration {
  /// Whole milliseconds, at least 1: libcurl takes 0 for "no limit".
  var positiveMilliseconds: Int {
    let (seconds, attoseconds) = components
    let bounded = min(max(seconds, 0), 1_000_000)
    return max(1, Int(bounded) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
  }
}
