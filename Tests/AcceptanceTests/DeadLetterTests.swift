import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// What the index refuses is kept, shown, and brought in once the cause is mended: beside running servers.
  @Suite(.serialized, .enabled(if: StackEnvironment.isAvailable)) struct DeadLetterTests {
    /// Makes the index anew with a field that refuses what messages hold: mentions are no numbers.
    static func poison(_ stack: StackEnvironment) throws {
      let (elastic, name) = (stack.elasticsearch, stack.name)
      let body = """
        {"aliases": {"\(name)-messages": {}, "\(name)-messages-write": {"is_write_index": true}},
         "mappings": {"properties": {"mentions": {"type": "integer"}}}}
        """
      _ = try elastic.request("DELETE", "/\(name)-messages-g001")
      let reply = try elastic.request("PUT", "/\(name)-messages-g001", body: Array(body.utf8))
      try #require(reply.status == 200, "\(reply)")
    }

    private func cure(_ stack: StackEnvironment) throws {
      let reply = try stack.elasticsearch.request(
        "PUT", "/\(stack.name)-messages-g001/_mapping",
        body: Array(#"{"properties": {"mentions": {"type": "integer", "ignore_malformed": true}}}"#.utf8))
      try #require(reply.status == 200, "\(reply)")
    }

    private func run(_ installation: Installation, _ arguments: String...) throws -> (
      status: Int32, output: [String], errors: String
    ) {
      try PalaverProcess.run(["deadletters"] + arguments, environment: installation.environment)
    }

    private func letters(_ installation: Installation, _ more: String...) throws -> [JSONValue] {
      try PalaverProcess.run(["deadletters", "list", "--json"] + more, environment: installation.environment).output
        .map { try JSONValue(parsing: Array($0.utf8)) }
    }

    private func wait(_ what: String, until isSo: () throws -> Bool) throws {
      let deadline = ContinuousClock.now + .seconds(30)
      while try !isSo() {
        guard ContinuousClock.now < deadline else { throw TestSupportError("not within 30 s: \(what)") }
      }
    }

    @Test func lettersAreListedRetriedAndDroppedWhileServersRun() throws {
      let installation = try Installation(.stack)
      defer { installation.remove() }
      let stack = try found(installation.stack, "stack")
      try Self.poison(stack)
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let (room, other) = (try chat.makeRoom(), try chat.makeRoom())
      try chat.send("good day", to: room, as: user)
      for number in 1...3 { try chat.send("poison\(number) for @ann", to: room, as: user) }
      try chat.send("poison4 for @bob", to: other, as: user)
      try wait("four letters") { try letters(installation).count == 4 }
      let mine = try letters(installation, "--room", "\(room)")
      #expect(mine.compactMap { $0["seq"]?.integer }.sorted() == [2, 3, 4])
      #expect(mine.allSatisfy { $0["reason"]?.string?.contains("mentions") == true }, "\(mine)")
      #expect(mine.first?["document"]?["text"]?.string?.hasPrefix("poison") == true)
      #expect(try run(installation, "list").output.count == 5)
      try checkFallback(stack, room)

      // Nothing is mended yet.
      let ids = mine.compactMap { $0["id"]?.string }
      let vain = try run(installation, "retry", ids[0])
      #expect(vain.status == 1 && vain.errors.contains(ids[0]), "\(vain)")
      #expect(try letters(installation).count == 4)

      // One of them is deleted meanwhile: the index has the later state.
      let deleted = try found(mine.last?["seq"]?.integer, "seq")
      #expect(try chat.delete(deleted, in: room, as: user).status == 200)
      try cure(stack)
      let retried = try run(installation, "retry", "--all", "--room", "\(room)", "--json")
      #expect(retried.status == 0, "\(retried)")
      let counts = try JSONValue(parsing: Array(retried.output.joined().utf8))
      #expect(counts["refused"]?.integer == 0)
      #expect((counts["indexed"]?.integer ?? 0) + (counts["superseded"]?.integer ?? 0) == 3, "\(counts)")
      try wait("what was retried is found") {
        try chat.search("poison*", "&room=\(room)")["hits"]?.array?.count == 2
      }

      #expect(try run(installation, "drop").status == 2)
      let left = try letters(installation)
      #expect(left.count == 1)
      let dropped = try run(installation, "drop", try found(left.first?["id"]?.string, "id"), "--json")
      #expect(dropped.status == 0 && dropped.output == [#"{"dropped":1}"#], "\(dropped)")
      #expect(try letters(installation).isEmpty)
      #expect(try chat.history(of: other).count == 1)
    }

    /// History has no hole: the index keeps the text where it is not analysed.
    private func checkFallback(_ stack: StackEnvironment, _ room: Int64) throws {
      try wait("a fallback document") {
        let document = try stack.elasticsearch.get(
          "/\(stack.name)-messages/_doc/\(room)%7C2?routing=\(room)")["_source"]
        return document?["text_unindexed"]?.string == "poison1 for @ann" && document?["text"] == nil
      }
    }

    @Test(arguments: [
      ["frobnicate"], ["retry"], ["retry", "nonsense"], ["retry", "1-2", "--all"], ["list", "--room", "x"],
    ])
    func wrongUseIsExplained(arguments: [String]) throws {
      let result = try PalaverProcess.run(["deadletters"] + arguments)
      #expect(result.status == 2, "\(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
