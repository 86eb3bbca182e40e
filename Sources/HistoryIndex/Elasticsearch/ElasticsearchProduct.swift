/// What a node says that it is.
public struct ElasticsearchProduct: Sendable, Equatable, CustomStringConvertible {
  /// `Elasticsearch`, or another product with its interface.
  public var name: String
  /// Such as `9.4.3`.
  public var version: String

  static let elasticsearch = "Elasticsearch"
  private static let oldestMajor = 8

  /// - Parameter distribution: what `/` has under `version.distribution`; Elasticsearch has nothing there.
  init(distribution: String?, version: String) {
    name = distribution ?? Self.elasticsearch
    self.version = version
  }

  public var description: String { name == Self.elasticsearch ? version : "\(name) \(version)" }

  /// Whether it is a version that this program is made for.
  public var isSupported: Bool {
    name == Self.elasticsearch && (Int(version.prefix { $0 != "." }) ?? 0) >= Self.oldestMajor
  }
}
