import Drivers
import FakeHTTPServer
import Testing

@testable import server

@Suite struct CheckTests {
  private func node(_ version: String, distribution: String = "") throws -> FakeHTTPServer {
    try FakeHTTPServer { request in
      switch request.line.split(separator: " ")[1] {
      case "/": .reply(200, #"{"version": {"number": "\#(version)"\#(distribution)}}"#)
      case "/_cluster/health": .reply(200, #"{"status": "green"}"#)
      default: .reply(200, "{}")
      }
    }
  }

  private func stack(_ nodes: [String]) throws -> Configuration.Stack {
    Configuration.Stack(
      database: try MySQLURL("mysql://palaver:secret@127.0.0.1:1/palaver"),
      redis: try RedisURL("redis://:secret@127.0.0.1:1/0"), elasticsearch: nodes, indexPrefix: "palaver",
      historyReads: 1)
  }

  @Test func everyNodeIsAskedForItsProductAndVersion() async throws {
    let nodes = [
      try node("9.1.2"), try node("6.8.23"), try node("2.11.0", distribution: #", "distribution": "opensearch""#),
    ]
    defer { for node in nodes { node.stop() } }
    let findings = await CheckFinding.elasticsearch(try stack(nodes.map(\.origin) + ["http://u:secret@127.0.0.1:1"]))
    let lines = findings.map(\.line)
    #expect(lines[0] == "ok   elasticsearch \(nodes[0].origin): version = 9.1.2")
    #expect(
      lines[1] == "BAD  elasticsearch \(nodes[1].origin): version = 6.8.23 (wanted: Elasticsearch 8 or later)")
    #expect(lines[2].hasPrefix("BAD ") && lines[2].contains("opensearch 2.11.0"))
    #expect(lines[3].hasPrefix("BAD  elasticsearch http://127.0.0.1:1: reachable = no: "), "\(lines[3])")
    #expect(lines[3].contains("--elasticsearch"))
    #expect(lines[4] == "ok   elasticsearch \(nodes[0].origin): health = green")
  }

  @Test func whoMayNotAndWhoIsNotTrustedAreToldWhatToSet() async throws {
    let server = try FakeHTTPServer { _ in .reply(401, #"{"error": {"type": "security_exception"}, "status": 401}"#) }
    defer { server.stop() }
    let lines = await CheckFinding.elasticsearch(try stack([server.origin])).map(\.line)
    #expect(lines.count == 1 && lines[0].hasPrefix("BAD ") && lines[0].contains("--elasticsearch-api-key"), "\(lines)")
    let distrust = CheckFinding.advice(HTTPError(.tls, "SSL certificate problem: self-signed certificate"))
    #expect(distrust.contains("--elasticsearch-ca"))
  }

  @Test func whatDoesNotAnswerIsNamedWithItsFlagAndWithoutItsSecret() async throws {
    let lines = await CheckFinding.stack(try stack(["http://127.0.0.1:1"])).map(\.line)
    #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("BAD ") && !$0.contains("secret") }, "\(lines)")
    for flag in ["--database", "--redis", "--elasticsearch"] {
      #expect(lines.contains { $0.contains("another one in \(flag))") }, "\(lines)")
    }
  }
}
