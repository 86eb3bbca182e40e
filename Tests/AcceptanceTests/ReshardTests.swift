import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// The history moves to an index with other shards while it is written, searched and paged, and nobody notices.
  @Suite(
    .enabled(
      if: StackEnvironment.isAvailable,
      "PALAVER_TEST_MYSQL, PALAVER_TEST_REDIS or PALAVER_TEST_ELASTICSEARCH is not set: nothing to reshard"))
  struct ReshardTests {
    /// What runs beside the moves, until they are done.
    private final class Moves: @unchecked Sendable {
      private let lock = NSLock()
      private var isDone = false

      func end() { lock.withLock { isDone = true } }
      func whileUnderWay(_ body: () throws -> Void) throws {
        repeat { try body() } while !lock.withLock { isDone }
      }
    }

    private struct Fixture {
      let installation: Installation
      let room: Int64
      let user: String
      /// Messages that nobody touches.
      static let still = 250

      init() throws {
        installation = try Installation(.stack)
        let chat = ChatClient(installation)
        user = try chat.freshUser()
        room = try chat.makeRoom()
        for index in 0..<Self.still { try chat.send("still number\(index)", to: room, as: user) }
      }
    }

    @Test func nothingIsLostDoubledOrUnfoundWhileTheHistoryMoves() throws {
      let fixture = try Fixture()
      defer { fixture.installation.remove() }
      try leaveAGenerationBehind(fixture)
      let moves = Moves()
      let sent = try concurrently(4) { index in
        switch index {
        case 0:
          defer { moves.end() }
          return try move(fixture, shards: [3, 1])
        case 1: return try write(fixture, while: moves)
        case 2: return try searchStill(fixture, while: moves)
        default: return try pageThrough(fixture, while: moves)
        }
      }[1]
      try compare(fixture, sent)
      let removed = try command(fixture, "--remove-old")
      #expect(removed["removed"]?.array?.compactMap(\.integer) == [1, 2])
      try compare(fixture, sent)
    }

    /// As a run does that is killed while it copies.
    private func leaveAGenerationBehind(_ fixture: Fixture) throws {
      let environment = fixture.installation.environment
      let address = try found(environment["PALAVER_ELASTICSEARCH_URL"].flatMap(URLComponents.init), "no Elasticsearch")
      let prefix = try found(environment["PALAVER_INDEX_PREFIX"], "no prefix")
      let http = HTTPTestClient(port: try found(address.port, "no port"))
      let aliases: JSONValue = ["aliases": .object(JSONObject([("\(prefix)-messages-next", ["is_write_index": true])]))]
      let reply = try http.request("PUT", "/\(prefix)-messages-g002", body: Array(aliases.compact.utf8))
      try #require(reply.status == 200, "\(reply)")
    }

    private func command(_ fixture: Fixture, _ arguments: String...) throws -> JSONValue {
      let result = try PalaverProcess.run(
        ["reshard", "--json"] + arguments, environment: fixture.installation.environment, within: .seconds(120))
      guard result.status == 0, let line = result.output.last else { throw TestSupportError(result.errors) }
      return try JSONValue(parsing: Array(line.utf8))
    }

    /// Returns nothing of interest: it is one of several that run side by side.
    private func move(_ fixture: Fixture, shards: [Int]) throws -> [String] {
      for (index, count) in shards.enumerated() {
        let outcome = try command(fixture, "--shards", "\(count)")
        #expect(outcome["generation"]?.integer == Int64(index + 2), "\(outcome)")
        #expect(outcome["documents"]?.integer ?? 0 >= Fixture.still, "\(outcome)")
      }
      return []
    }

    /// Sends, edits and deletes; each message is in the very next search. Returns the texts that are left, by seq.
    private func write(_ fixture: Fixture, while moves: Moves) throws -> [String] {
      let chat = ChatClient(fixture.installation)
      var texts: [String?] = []
      try moves.whileUnderWay {
        let word = "moving\(texts.count)"
        try chat.send(word, to: fixture.room, as: fixture.user)
        texts.append(word)
        #expect(try find(chat, word, fixture) == [word])
        let target = Int.random(in: texts.indices)
        guard texts[target] != nil, texts.count % 3 == 0 else { return }
        let seq = Int64(Fixture.still + target + 1)
        if texts.count % 2 == 0 {
          texts[target] = "moved\(target)"
          try chat.expect(try chat.edit(seq, "moved\(target)", in: fixture.room, as: fixture.user), 200)
        } else {
          texts[target] = nil
          try chat.expect(try chat.delete(seq, in: fixture.room, as: fixture.user), 200)
        }
      }
      return texts.compactMap { $0 }
    }

    private func find(_ chat: ChatClient, _ query: String, _ fixture: Fixture) throws -> [String] {
      let reply = try chat.search(query, "&room=\(fixture.room)")
      #expect(reply.status == 200 && reply["complete"]?.boolean == true, "\(query): \(reply)")
      return reply["hits"]?.array?.compactMap { $0["message"]?["text"]?.string } ?? []
    }

    /// Pages of a search that was begun in one index and goes on in the other.
    private func searchStill(_ fixture: Fixture, while moves: Moves) throws -> [String] {
      let chat = ChatClient(fixture.installation, 1)
      let expected = (0..<Fixture.still).reversed().map { "still number\($0)" }
      try moves.whileUnderWay {
        var found: [String] = []
        var cursor: String?
        repeat {
          let reply = try chat.search(
            "still", "&room=\(fixture.room)&limit=20" + (cursor.map { "&cursor=\($0)" } ?? ""))
          try #require(reply.status == 200, "\(reply)")
          found += reply["hits"]?.array?.compactMap { $0["message"]?["text"]?.string } ?? []
          cursor = reply["next"]?.string
        } while cursor != nil
        #expect(found == expected)
      }
      return []
    }

    private func pageThrough(_ fixture: Fixture, while moves: Moves) throws -> [String] {
      let chat = ChatClient(fixture.installation, 1)
      try moves.whileUnderWay {
        let texts = try chat.history(of: fixture.room).prefix(Fixture.still).compactMap { $0["text"]?.string }
        #expect(texts == (0..<Fixture.still).map { "still number\($0)" })
      }
      return []
    }

    private func compare(_ fixture: Fixture, _ sent: [String]) throws {
      let chat = ChatClient(fixture.installation, 1)
      let history = try chat.history(of: fixture.room).compactMap { $0["text"]?.string }
      #expect(Array(history.dropFirst(Fixture.still)) == sent)
      for word in sent { #expect(try find(chat, word, fixture) == [word]) }
    }
  }
}
