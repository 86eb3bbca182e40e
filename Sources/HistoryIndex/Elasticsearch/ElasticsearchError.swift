import Drivers

/// What Elasticsearch said when it refused.
public struct ElasticsearchError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The HTTP status.
  public var status: Int
  /// Elasticsearch's word, such as `index_not_found_exception`; empty where it gave none.
  public var type: String
  /// Elasticsearch's own words.
  public var reason: String

  public init(status: Int, type: String, reason: String) {
    self.status = status
    self.type = type
    self.reason = reason
  }

  /// Reads an error body. Proxies answer with pages of their own: then the reason is the beginning of that.
  init(_ reply: HTTPReply) {
    let shownBytes = 300
    let value = try? JSONValue(parsing: reply.body)
    let text = String(decoding: reply.body.prefix(shownBytes), as: UTF8.self)
    self.init(status: reply.status, error: value?["error"], otherwise: text)
  }

  /// - Parameter error: the `error` of a reply or of a bulk item: an object, or just words.
  init(status: Int, error: JSONValue?, otherwise text: String = "") {
    let cause = error?["root_cause"]?.array?.first ?? error
    self.status = status
    type = cause?["type"]?.string ?? error?["type"]?.string ?? ""
    reason = cause?["reason"]?.string ?? error?["reason"]?.string ?? error?.string ?? text
  }

  public var description: String { "\(status) \(type): \(reason)" }
}

/// A reply of a shape that Elasticsearch does not give.
struct UnexpectedReply: Error, CustomStringConvertible {
  var expected: String
  var description: String { "Elasticsearch's reply is not understood: \(expected) expected." }
}
