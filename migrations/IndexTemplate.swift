/// An Elasticsearch index template. A new version holds for the generations of indices made from then on.
public struct IndexTemplate: Sendable {
  public var version: Int
  public var name: String
  /// With the placeholders `{{prefix}}`, `{{shards}}` and `{{replicas}}`.
  private var json: String

  init(_ version: Int, _ name: String, _ json: [UInt8]) {
    self.version = version
    self.name = name
    self.json = String(decoding: json, as: UTF8.self)
  }

  /// The body of `PUT /_index_template/…`.
  ///
  /// - Parameters:
  ///   - prefix: what the names of indices begin with.
  ///   - replicas: `auto_expand_replicas`, such as `0-1`.
  public func body(prefix: String, shards: Int, replicas: String) -> String {
    json.replacing("{{prefix}}", with: prefix).replacing("{{shards}}", with: "\(shards)")
      .replacing("{{replicas}}", with: replicas)
  }
}
