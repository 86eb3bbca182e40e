import Drivers
import Foundation
import TestSupport
import Testing

/// The disk below the journal is full: sends are refused with a time to come again, nothing acknowledged is lost, and
/// all goes on when there is room.
@Suite(.serialized, .enabled(if: SmallDisk.isAvailable, "a small disk cannot be mounted: that takes root"))
struct FullDiskTests {
  private static let messages = 4_000

  private static func text(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 8_000) }

  @Test func theEmbeddedProfileOutlivesAFullDisk() async throws {
    try await onOwnThread {
      let disk = try SmallDisk(megabytes: 24)
      defer { disk.remove() }
      let (server, port) = try PalaverProcess.serve(
        flags: ["--data", disk.folder.appendingPathComponent("data").path, "--auth", "open", "--disk-reserve", "0"],
        environment: [:])
      defer { server.terminate() }
      let http = HTTPTestClient(port: port)
      let room = try Self.prepare(http)
      try disk.fill(leaving: 512)
      let sent = try Self.sendUntilRefused(http, room)
      try disk.empty()
      try Self.expectAll(sent, http, room)
    }
  }

  @Test(
    .enabled(if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB is not installed"))
  func theStackOutlivesAFullDiskOfMariaDB() async throws {
    try await onOwnThread {
      let disk = try SmallDisk(megabytes: 640)
      defer { disk.remove() }
      let stack = try FaultyStack()
      defer { stack.remove() }
      try stack.backends.moveDatabase(to: disk.folder.appendingPathComponent("mariadb"))
      try stack.waitUntilHealthy()
      let http = stack.http(0)
      let room = try Self.prepare(http)
      try disk.fill(leaving: 256)
      let sent = try Self.sendUntilRefused(http, room)
      try disk.empty()
      try Self.expectAll(sent, http, room)
      try stack.waitUntilIndexed()
      #expect(try FinalState(stack: stack).indexed().count { $0.room == room } == sent + 1)
    }
  }

  private static func prepare(_ http: HTTPTestClient) throws -> Int64 {
    _ = try http.post("/v1/users", JSONValue(parsing: #"{"name": "ann"}"#))
    guard let room = try http.post("/v1/chatrooms", JSONValue(parsing: "{}"))["id"]?.integer else {
      throw TestSupportError("no room")
    }
    return room
  }

  private static func send(_ number: Int, _ http: HTTPTestClient, _ room: Int64) throws -> HTTPTestResponse {
    try http.post(
      "/v1/chatrooms/\(room)/messages?user=ann",
      JSONValue(parsing: #"{"text": "\#(text(number))", "ref": "r\#(number)"}"#))
  }

  /// Returns how many were acknowledged.
  private static func sendUntilRefused(_ http: HTTPTestClient, _ room: Int64) throws -> Int {
    for number in 0..<messages {
      let reply = try send(number, http, room)
      if reply.status == 201 { continue }
      #expect(reply.status == 503 && reply["error"]?.string == "unavailable", "\(reply)")
      #expect(reply["retry_after_ms"]?.integer != nil && reply.header("Retry-After") != nil, "\(reply)")
      #expect(number > 0)
      return number
    }
    throw TestSupportError("the disk was never full")
  }

  /// The refused message is sent again until it is stored; then the room holds it and all before, each once.
  private static func expectAll(_ sent: Int, _ http: HTTPTestClient, _ room: Int64) throws {
    let clock = RunClock()
    let isStored = clock.wait(upTo: 40_000) {
      (try? send(sent, http, room)).map { [200, 201].contains($0.status) } ?? false
    }
    #expect(isStored)
    var seen: [String] = []
    while seen.count <= sent {
      let page = try http.get("/v1/chatrooms/\(room)/messages?after=\(seen.count)&limit=100")
      guard let messages = page["messages"]?.array, !messages.isEmpty else { break }
      seen += messages.compactMap { $0["text"]?.string }
    }
    // The texts are long: not for people to read.
    #expect(seen.count == sent + 1)
    #expect(seen.enumerated().first { $0.element != text($0.offset) }?.offset == nil)
  }
}
