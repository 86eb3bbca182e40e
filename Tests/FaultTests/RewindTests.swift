import Drivers
import Foundation
import TestSupport
import Testing

/// The database comes back as an older copy of itself (hazard 7).
///
/// Needs `PALAVER_TEST_ELASTICSEARCH`, and the binaries of MariaDB and Redis, of which it starts its own.
@Suite(
  .serialized, .sharedStack,
  .enabled(
    if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB or Redis is not installed"))
struct RewindTests {
  /// With servers that saw what was lost, and with none: then the index alone knows.
  @Test(arguments: [true, false])
  func whatTheIndexHasOutlivesARestoreAndNoNumberIsUsedTwice(serversStay: Bool) async throws {
    try await SharedStack.use { stack in
      let lost = try LostTail(stack)
      let (socket, _, _) = try stack.join(lost.room, server: 1)
      try Self.rewind(stack, serversStay: serversStay)
      if serversStay { #expect(try socket.receiveClose(within: .seconds(30)) == 1013) }
      try lost.sendAgain("after the restore", ref: "after")
      try lost.expectReset(server: 0)
      try lost.expectReset(server: 1)
      try lost.expectEverything(and: "after the restore")
      #expect(try stack.backends.mariadb("SELECT COUNT(*) FROM rewinds WHERE finished_at IS NULL").hasPrefix("0"))
    }
  }

  /// What neither the index nor the database has is lost. Redis still knows that there was something.
  @Test func aLostTailThatWasNotIndexedChangesTheEpoch() async throws {
    try await SharedStack.use { stack in
      try stack.makeUser("ann")
      let room = try stack.makeRoom()
      try stack.fill(room, 1...5)
      try stack.waitUntilIndexed()
      try stack.backends.copyDatabase()
      try stack.waitUntilHealthy()
      for server in 0..<2 { stack.server(server).elasticsearch.answer = .refusing }
      let epoch = try stack.http(0).get("/v1/chatrooms/\(room)")["epoch"]?.string ?? ""
      try stack.fill(room, 6...9)
      // Servers note what they saw once a second.
      try stack.wait("Redis knows the lanes", seconds: 20) { try Self.noted(stack) >= Self.heads(stack) }
      for server in 0..<2 { stack.kill(server) }
      try stack.backends.putBackDatabase()
      for server in 0..<2 { stack.server(server).elasticsearch.answer = .honest }
      for server in 0..<2 { try stack.start(server) }
      try stack.wait("sends work again", seconds: 30) {
        try stack.send("again", ref: "fill-9", to: room).status == 201
      }
      let present = try stack.http(0).get("/v1/chatrooms/\(room)")
      #expect(present["epoch"]?.string != epoch)
      #expect(present["last_seq"]?.integer == 6)
      #expect(present["last_event"]?.integer ?? 0 > 9)
      let socket = try WebSocketClient(
        port: stack.port(1), "/v1/chatrooms/\(room)/join?user=ann&since=7&epoch=\(epoch)",
        subprotocols: ["palaver.v1"])
      let ready = try socket.next("ready")
      #expect(ready["reset"]?.boolean == true && ready["complete"]?.boolean == false, "\(ready.compact)")
    }
  }

  static func rewind(_ stack: FaultyStack, serversStay: Bool) throws {
    if serversStay { return try stack.backends.putBackDatabase() }
    for server in 0..<2 { stack.kill(server) }
    try stack.backends.putBackDatabase()
    try stack.backends.flushRedis()
    for server in 0..<2 { try stack.start(server) }
  }

  /// The sum of the lanes' positions, as Redis has them and as the database does.
  private static func noted(_ stack: FaultyStack) throws -> Int {
    let port = stack.backends.port(of: .redis)
    let text = try PrivateBackends.script(
      "redis-cli -p \(port) zrange $(redis-cli -p \(port) --scan --pattern '*:lanes:*') 0 -1 withscores",
      folder: stack.backends.folder.path)
    let words = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    return stride(from: 1, to: words.count, by: 2).reduce(0) { $0 + words[$1] }
  }

  private static func heads(_ stack: FaultyStack) throws -> Int {
    let text = try stack.backends.mariadb("SELECT SUM(head) FROM journal_lanes")
    return text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? .max
  }
}

/// A room of which a copy of the database was taken, and what happened in it, and beside it, afterwards.
private struct LostTail {
  let stack: FaultyStack
  let room: Int64
  /// Made after the copy.
  let newRoom: Int64
  /// What a client knows.
  let epoch: String
  let lastEvent: Int64

  init(_ stack: FaultyStack) throws {
    self.stack = stack
    try stack.makeUser("ann")
    room = try stack.makeRoom()
    try stack.fill(room, 1...10)
    try stack.waitUntilIndexed()
    try stack.backends.copyDatabase()
    try stack.waitUntilHealthy()
    try stack.fill(room, 11...20)
    try Self.change("PATCH", 5, room, stack, #"{"text": "edited", "ref": "edit-5"}"#)
    try Self.change("DELETE", 2, room, stack, #"{"ref": "delete-2"}"#)
    try Self.change("PATCH", 15, room, stack, #"{"text": "edited too"}"#)
    try stack.makeUser("bob")
    newRoom = try stack.makeRoom()
    try stack.fill(newRoom, 1...3)
    try stack.waitUntilIndexed()
    let state = try stack.http(0).get("/v1/chatrooms/\(room)")
    epoch = state["epoch"]?.string ?? ""
    lastEvent = state["last_event"]?.integer ?? 0
    #expect(lastEvent == 23)
  }

  private static func change(_ method: String, _ seq: Int, _ room: Int64, _ stack: FaultyStack, _ body: String) throws {
    let reply = try stack.http(0).request(
      method, "/v1/chatrooms/\(room)/messages/\(seq)?user=ann", body: Array(body.utf8))
    guard reply.status == 200 else { throw TestSupportError("not changed: \(reply)") }
  }

  /// As clients do: the same ref until it is answered.
  func sendAgain(_ text: String, ref: String) throws {
    try stack.wait("sends work again", seconds: 30) {
      let reply = try stack.send(text, ref: ref, to: room)
      return reply.status == 201 || reply.status == 200
    }
  }

  func expectReset(server: Int) throws {
    let socket = try WebSocketClient(
      port: stack.port(server), "/v1/chatrooms/\(room)/join?user=ann&since=\(lastEvent)&epoch=\(epoch)",
      subprotocols: ["palaver.v1"])
    let ready = try socket.next("ready")
    #expect(ready["reset"]?.boolean == true && ready["complete"]?.boolean == false, "\(ready.compact)")
    #expect(ready["epoch"]?.string != epoch && ready["last_event"]?.integer ?? 0 > lastEvent, "\(ready.compact)")
    // A client that keeps no epoch is no better off with its old position.
    let other = try stack.join(room, server: server, since: lastEvent)
    #expect(other.ready["complete"]?.boolean == false, "\(other.ready.compact)")
    #expect(other.replay.compactMap(\.text?.seq) == [1] + Array(3...21))
  }

  func expectEverything(and text: String) throws {
    try stack.waitUntilIndexed()
    let records = try (0..<2).map { try FinalState(stack: stack).room(room, server: $0) }
    #expect(records[0].messages == records[1].messages)
    var texts = Dictionary(uniqueKeysWithValues: (1...20).map { (Int64($0), "number \($0)") })
    texts[2] = nil
    texts[5] = "edited"
    texts[15] = "edited too"
    texts[21] = text
    #expect(Dictionary(uniqueKeysWithValues: records[0].messages.map { ($0.seq, $0.text) }) == texts)
    let new = try #require(records[0].messages.last)
    #expect(new.seq == 21 && new.event > lastEvent)
    let documents = try FinalState(stack: stack).indexed().filter { $0.room == room }
    #expect(documents.count == 21)
    for document in documents {
      #expect(document.isDeleted == (document.seq == 2), "\(document)")
      if !document.isDeleted { #expect(document.text == texts[document.seq], "\(document)") }
    }
    #expect(Set(documents.map(\.event)).count == 21)
    #expect(try FinalState(stack: stack).room(newRoom, server: 1).messages.map(\.seq) == [1, 2, 3])
    // A sender who was never answered sends again: the index remembered the ref.
    #expect(try stack.send("number 17", ref: "fill-17", to: room)["seq"]?.integer == 17)
    #expect(try stack.makeRoom() > newRoom + 1)
  }
}
