import Foundation

@testable import Drivers

/// The server that `PALAVER_TEST_MYSQL` names (`mysql://user:password@host:port/`); suites are off where it is not set.
enum MySQLTestServer {
  static let text = ProcessInfo.processInfo.environment["PALAVER_TEST_MYSQL"]
  static var isThere: Bool { text != nil }

  static func url() throws -> MySQLURL { try MySQLURL(text ?? "") }

  /// Runs `body` with a database of its own.
  static func withDatabase<Result>(_ body: (MySQLURL) async throws -> Result) async throws -> Result {
    let name = "palaver_driver_\(UInt32.random(in: .min ... .max))"
    let admin = try MySQLConnection(url())
    try admin.execute("CREATE DATABASE \(name)")
    defer { _ = try? admin.execute("DROP DATABASE \(name)") }
    return try await body(url().selecting(database: name))
  }
}
