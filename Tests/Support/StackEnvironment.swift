import Drivers
import Foundation

/// The real back ends of a test run, and a private place in each: a database, a Redis prefix, an index prefix.
///
/// The addresses come from `PALAVER_TEST_MYSQL`, `PALAVER_TEST_REDIS` and `PALAVER_TEST_ELASTICSEARCH`, which
/// `scripts/test-stack` sets.
public struct StackEnvironment: Sendable {
  public static var isAvailable: Bool { addresses != nil }

  private struct Addresses {
    var mysql: URL
    var redis: URL
    var elasticsearch: URL
  }

  private static var addresses: Addresses? {
    let environment = ProcessInfo.processInfo.environment
    guard let mysql = environment["PALAVER_TEST_MYSQL"].flatMap({ URL(string: $0) }),
      let redis = environment["PALAVER_TEST_REDIS"].flatMap({ URL(string: $0) }),
      let elasticsearch = environment["PALAVER_TEST_ELASTICSEARCH"].flatMap({ URL(string: $0) })
    else { return nil }
    return Addresses(mysql: mysql, redis: redis, elasticsearch: elasticsearch)
  }

  private let addresses: Addresses
  /// The database's name, and the prefix in Redis and Elasticsearch.
  public let name: String

  /// Makes the database. End with `drop()`.
  public init() throws {
    guard let addresses = Self.addresses else { throw TestSupportError("PALAVER_TEST_… is not set") }
    self.addresses = addresses
    name = "palaver_test_\(UInt32.random(in: 0...UInt32.max))"
    try mariadb("CREATE DATABASE \(name) CHARACTER SET utf8mb4")
  }

  /// What `palaver` needs to run there.
  public var environment: [String: String] {
    let base = addresses.mysql.absoluteString
    return [
      "PALAVER_DATABASE_URL": base + (base.hasSuffix("/") ? "" : "/") + name,
      "PALAVER_REDIS_URL": addresses.redis.absoluteString,
      "PALAVER_REDIS_PREFIX": name,
      "PALAVER_ELASTICSEARCH_URL": addresses.elasticsearch.absoluteString,
      "PALAVER_INDEX_PREFIX": name,
    ]
  }

  /// Forgets everything that was stored.
  public func drop() throws {
    try mariadb("DROP DATABASE IF EXISTS \(name)")
    try dropIndices()
    try dropKeys()
  }

  /// Through Debian's client: what tests find in the database does not depend on the code under test.
  @discardableResult
  public func mariadb(_ sql: String) throws -> String {
    let url = addresses.mysql
    let client = Process()
    let pipe = Pipe()
    client.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    client.arguments = [
      "mariadb", "--no-defaults", "--protocol=tcp", "--batch", "--skip-column-names", "-h", url.host ?? "127.0.0.1",
      "-P", "\(url.port ?? 3306)", "-u", url.user ?? "root", "-p\(url.password ?? "")", "-e", sql,
    ]
    client.standardInput = FileHandle.nullDevice
    client.standardOutput = pipe
    try client.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    client.waitUntilExit()
    guard client.terminationStatus == 0 else { throw TestSupportError("mariadb failed: \(sql)") }
    return String(decoding: output, as: UTF8.self)
  }

  /// Elasticsearch itself, for what a test must see of it.
  public var elasticsearch: HTTPTestClient {
    HTTPTestClient(port: addresses.elasticsearch.port ?? 9200, timeout: .seconds(60))
  }

  private func dropIndices() throws {
    let indices = try elasticsearch.get("/_cat/indices/\(name)*?h=index&expand_wildcards=all")
    for index in indices.text.split(whereSeparator: \.isWhitespace) {
      _ = try elasticsearch.request("DELETE", "/\(index)")
    }
    let templates = try elasticsearch.get("/_index_template/\(name)*")
    for template in templates["index_templates"]?.array ?? [] {
      if let name = template["name"]?.string { _ = try elasticsearch.request("DELETE", "/_index_template/\(name)") }
    }
    let components = try elasticsearch.get("/_component_template/\(name)*")
    for component in components["component_templates"]?.array ?? [] {
      if let name = component["name"]?.string {
        _ = try elasticsearch.request("DELETE", "/_component_template/\(name)")
      }
    }
  }

  /// One script, so that no Redis client is needed.
  private func dropKeys() throws {
    let script =
      "for _,k in ipairs(redis.call('keys',ARGV[1]..'*')) do redis.call('del',k) end return 'OK'"
    _ = try redis(["EVAL", script, "0", name])
  }

  /// Sends one command and returns the bytes of the replies.
  func redis(_ parts: [String]) throws -> String {
    var command = ""
    if let number = Int(addresses.redis.lastPathComponent) { command += "SELECT \(number)\r\n" }
    command += "*\(parts.count)\r\n" + parts.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    let socket = try Socket(port: addresses.redis.port ?? 6379)
    try socket.send(command.utf8)
    socket.finishSending()
    let deadline = ContinuousClock.now + .seconds(10)
    var reply: [UInt8] = []
    while let bytes = try socket.receive(until: deadline) { reply += bytes }
    return String(decoding: reply, as: UTF8.self)
  }
}
