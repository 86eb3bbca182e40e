import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// Real conversations come in by the hundred thousand, and come out as they were.
  @Suite(.serialized) struct ImportTests {
    private static let lines = 100_000

    @Test(
      .enabled(
        if: Corpus.isAvailable || ProcessInfo.processInfo.environment["CI"] == "true",
        "../shared/corpora is not there. Put it beside the project, or set PALAVER_SHARED."),
      .timeLimit(.minutes(10)), arguments: Profile.available)
    func aHundredThousandMessagesSurviveAKillInTheMiddle(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let file = FileManager.default.temporaryDirectory.appendingPathComponent(
        "corpus-\(UInt32.random(in: 0 ... .max)).ndjson")
      defer { try? FileManager.default.removeItem(at: file) }
      try Corpus.write("english_forum", lines: Self.lines, to: file)
      let lines = try Corpus.read(file)
      try #require(lines.count == Self.lines)

      // The embedded profile's folder has one owner at a time.
      if profile == .embedded { installation.process().terminate() }
      try importWithAKill(file, installation)
      if profile == .embedded { try installation.restart() }
      let chat = ChatClient(installation)
      let rooms = Dictionary(grouping: lines, by: \.room).sorted { $0.value.count > $1.value.count }
      // The largest, the smallest, and three between.
      let chosen = [0, rooms.count / 4, rooms.count / 2, rooms.count * 3 / 4, rooms.count - 1].map { rooms[$0] }
      for (name, expected) in chosen { try check(chat, name, expected) }
      try checkRareWords(ChatClient(installation, 1), lines)
    }

    private func importWithAKill(_ file: URL, _ installation: Installation) throws {
      let arguments = ["import", file.path]
      let cut = try PalaverProcess(arguments: arguments, environment: installation.environment)
      #expect(cut.waitForExit(within: .seconds(1)) == nil, "the import ended before it could be cut: use more lines")
      cut.kill()
      let result = try PalaverProcess.run(arguments, environment: installation.environment, within: .seconds(300))
      #expect(result.status == 0, "\(result.errors.suffix(1_000))")
      let again = try PalaverProcess.run(arguments, environment: installation.environment, within: .seconds(300))
      #expect(again.status == 0, "a third time changes nothing: \(again.errors.suffix(1_000))")
    }

    private func roomID(_ chat: ChatClient, _ name: String) throws -> Int64 {
      let reply = try chat.http.get("/v1/chatrooms?limit=100&q=\(percentEncoded(name))")
      let room = reply["chatrooms"]?.array?.first { $0["name"]?.string == name }
      return try found(room?["id"]?.integer, "room \(name): \(reply)")
    }

    private func check(_ chat: ChatClient, _ name: String, _ expected: [Corpus.Line]) throws {
      let room = try roomID(chat, name)
      let forward = try chat.history(of: room)
      #expect(forward.count == expected.count, "\(name)")
      for (message, line) in zip(forward, expected) {
        guard message["text"]?.string == line.text, message["user"]?.string == line.user,
          message["timestamp"]?.integer == line.timestamp
        else {
          Issue.record("\(name): \(message.compact.prefix(300)) is not \(line)")
          return
        }
      }
      var backward: [JSONValue] = []
      while true {
        let page = try chat.page(room, "limit=200" + (backward.first?["seq"]?.integer.map { "&before=\($0)" } ?? ""))
        backward = (page["messages"]?.array ?? []) + backward
        if page["has_more_before"]?.boolean != true { break }
      }
      #expect(backward == forward, "\(name) backward")
      var random = SplitMix64(seed: 5)
      for _ in 0..<20 {
        let index = Int.random(in: 0..<forward.count, using: &random)
        let seq = try found(forward[index]["seq"]?.integer, "seq")
        let page = try chat.page(room, "limit=20&around=\(seq)")["messages"]?.array ?? []
        let start = try found(forward.firstIndex { $0["seq"] == page.first?["seq"] }, "\(name) around=\(seq)")
        #expect(Array(forward[start..<min(forward.count, start + page.count)]) == page, "\(name) around=\(seq)")
        #expect(page.contains(forward[index]), "\(name) around=\(seq)")
      }
    }

    /// Words that one message alone has are found, each with its message.
    private func checkRareWords(_ chat: ChatClient, _ lines: [Corpus.Line]) throws {
      var places: [String: Int] = [:]
      for (index, line) in lines.enumerated() {
        let words = Set(line.text.lowercased().split { !$0.isASCII || !$0.isLetter }.map(String.init))
        for word in words where (9...14).contains(word.count) {
          places[word] = places[word] == nil ? index : -1
        }
      }
      var random = SplitMix64(seed: 9)
      let rare = places.filter { $0.value >= 0 }.sorted { $0.key < $1.key }.shuffled(using: &random).prefix(50)
      try #require(rare.count == 50)
      for (word, index) in rare {
        let deadline = ContinuousClock.now + .seconds(30)
        var texts: [String?] = []
        repeat {
          texts = try chat.search(word)["hits"]?.array?.map { $0["message"]?["text"]?.string } ?? []
        } while !texts.contains(lines[index].text) && ContinuousClock.now < deadline
        #expect(texts.contains(lines[index].text), "\(word)")
      }
    }
  }
}
