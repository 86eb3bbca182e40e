import Drivers

extension Backends {
  static func openEmbedded(folder path: String, metrics: Metrics, log: Log) async throws -> Backends {
    throw ConfigurationError("no embedded profile yet")
  }
}
