import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// An installation moves from one profile to the other and back, as an operator does it.
  @Suite(.serialized) struct ExportTests {
    private static func palaver(_ arguments: String..., in installation: Installation) throws -> [String] {
      let result = try PalaverProcess.run(arguments, environment: installation.environment, within: .seconds(120))
      guard result.status == 0 else { throw TestSupportError("\(arguments): \(result.errors.suffix(1_000))") }
      return result.output
    }

    private func lines(_ file: URL) throws -> [String] {
      String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Rooms of each kind, with edits, deletions, removals, a deleted user and a deleted room.
    private func fill(_ chat: ChatClient) throws -> Int64 {
      let (anna, ben, left) = (try chat.makeUser("Änna 🫖"), try chat.makeUser("ben"), try chat.makeUser("left"))
      let wish: JSONValue = [
        "name": "plaza", "topic": "広場", "members": [.string(anna), .string(ben), .string(left)],
      ]
      let plaza = try chat.makeRoom(wish)
      _ = try chat.makeRoom(["kind": "direct", "members": [.string(anna), .string(ben)]])
      _ = try chat.makeRoom(["kind": "private", "name": "cellar", "members": [.string(ben)]])
      let made = try chat.http.post("/v1/chatrooms?user=\(percentEncoded(anna))", ["name": "gone"])
      let gone = try found(made["id"]?.integer, "\(made)")
      try chat.send("nobody's any more", to: gone, as: anna)
      try chat.expect(try chat.http.request("DELETE", "/v1/chatrooms/\(gone)?user=\(percentEncoded(anna))"), 200)
      for number in 1...60 {
        let body: JSONValue = [
          "text": .string("message \(number) é \"quoted\"\n\u{1}"),
          "data": ["n": .integer(Int64(number)), "x": .number(0.5)],
          "ref": .string("ref-\(number)"),
        ]
        let author = number % 3 == 0 ? left : anna
        try chat.expect(
          try chat.http.post("/v1/chatrooms/\(plaza)/messages?user=\(percentEncoded(author))", body), 201)
      }
      try chat.send(String(repeating: "長", count: 5_461), to: plaza, as: ben)
      try chat.expect(try chat.edit(4, "edited", in: plaza, as: anna), 200)
      for seq: Int64 in [1, 5, 61] {
        try chat.expect(try chat.delete(seq, in: plaza, as: seq == 61 ? ben : anna), 200)
      }
      try chat.expect(
        try chat.http.request(
          "PUT", "/v1/chatrooms/\(plaza)/read?user=\(percentEncoded(ben))", body: Array(#"{"seq":17}"#.utf8)), 200)
      try chat.expect(try chat.http.request("DELETE", "/v1/users/left?user=left"), 200)
      for mode in ["anonymize", "erase"] {
        try chat.send("of one who goes (\(mode))", to: plaza, as: try chat.makeUser(mode))
        try chat.expect(try chat.http.request("DELETE", "/v1/users/\(mode)?user=\(mode)&messages=\(mode)"), 200)
        try awaitErasure(of: mode, chat)
      }
      return plaza
    }

    private func awaitErasure(of user: String, _ chat: ChatClient) throws {
      let deadline = ContinuousClock.now + .seconds(60)
      while try chat.http.get("/v1/users/\(user)/erasure")["state"]?.string != "done" {
        guard ContinuousClock.now < deadline else { throw TestSupportError("the messages of \(user) are still there") }
        Thread.sleep(forTimeInterval: 0.05)
      }
    }

    @Test(.timeLimit(.minutes(5)))
    func anInstallationMovesToTheOtherProfileAndBack() throws {
      let source = try Installation(.embedded)
      defer { source.remove() }
      let plaza = try fill(ChatClient(source))
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent("palaver-moves-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      // Beside the running server.
      var file = folder.appendingPathComponent("0.ndjson")
      _ = try Self.palaver("export", "-o", file.path, "--json", in: source)
      let first = try lines(file)
      let expected = try ChatClient(source).history(of: plaza)
      #expect(expected.count == 59 && expected.contains { $0["edited_at"] != nil })

      for (step, profile) in ([Profile.stack, .embedded].filter(Profile.available.contains)).enumerated() {
        let target = try Installation(profile)
        defer { target.remove() }
        if profile == .embedded { target.process().terminate() }
        let imported = try Self.palaver("import", file.path, "--json", in: target)
        #expect(try JSONValue(parsing: imported.joined())["rejected"]?.integer == 0)
        if profile == .embedded { try target.restart() }
        let chat = ChatClient(target)
        let moved = try chat.history(of: plaza)
        #expect(moved.map(Self.content) == expected.map(Self.content), "\(profile)")
        let hits = try chat.search("edited in:plaza has:edit")["hits"]?.array ?? []
        #expect(hits.map { $0["message"]?["seq"]?.integer } == [4], "\(profile)")
        #expect(try chat.http.post("/v1/users", ["name": "left"]).status == 409, "the name stays taken")
        file = folder.appendingPathComponent("\(step + 1).ndjson")
        _ = try Self.palaver("export", "-o", file.path, in: target)
        #expect(try lines(file).dropFirst() == first.dropFirst(), "\(profile)")
        if profile == .embedded { target.process().terminate() }
        let verified = try PalaverProcess.run(["verify"], environment: target.environment)
        #expect(verified.status == 0, "\(profile): \(verified.output)")
      }
    }

    /// What must be the same of a message; its event and epoch are the installation's.
    private static func content(_ message: JSONValue) -> [JSONValue] {
      ["room", "seq", "user", "text", "timestamp", "ref", "data", "reply_to", "edited_at"].map { message[$0] ?? .null }
    }

    @Test(.timeLimit(.minutes(5)), arguments: Profile.available)
    func anImportOfAnExportSurvivesAKillInTheMiddle(profile: Profile) throws {
      let source = try Installation(.embedded)
      defer { source.remove() }
      let folder = source.folder.appendingPathExtension("files")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      source.process().terminate()
      let plain = folder.appendingPathComponent("plain.ndjson")
      let lines = (1...12_000).map {
        #"{"room":"r\#($0 % 5)","user":"u\#($0 % 50)","timestamp":\#(1_700_000_000_000 + $0),"text":"number \#($0)"}"#
      }
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: plain)
      _ = try Self.palaver("import", plain.path, in: source)
      let file = folder.appendingPathComponent("a.ndjson.zst")
      _ = try Self.palaver("export", "-o", file.path, in: source)

      let target = try Installation(profile)
      defer { target.remove() }
      if profile == .embedded { target.process().terminate() }
      let cut = try PalaverProcess(arguments: ["import", file.path], environment: target.environment)
      _ = cut.waitForExit(within: .seconds(1))
      cut.kill()
      _ = try Self.palaver("import", file.path, in: target)
      let (before, after) = (folder.appendingPathComponent("1.ndjson"), folder.appendingPathComponent("2.ndjson"))
      _ = try Self.palaver("export", "-o", before.path, in: source)
      _ = try Self.palaver("export", "-o", after.path, in: target)
      #expect(try self.lines(before).dropFirst() == self.lines(after).dropFirst())
      let verified = try PalaverProcess.run(["verify"], environment: target.environment)
      #expect(verified.status == 0, "\(verified.output)")
    }

    @Test func wrongUseIsExplained() throws {
      let missing = try PalaverProcess.run(["export", "--data", "/nonexistent-palaver"])
      #expect(missing.status == 2 && missing.errors.contains("--data"), "\(missing)")
      let installation = try Servers.shared(.embedded)
      let unknown = try PalaverProcess.run(
        ["export", "--room", "no such room"], environment: installation.environment)
      #expect(unknown.status == 1 && unknown.errors.contains("no such room") && unknown.output.isEmpty)
      let unwritable = try PalaverProcess.run(
        ["export", "-o", "/nonexistent-palaver/x.ndjson"], environment: installation.environment)
      #expect(unwritable.status == 1 && unwritable.errors.contains("cannot be written"))
    }
  }
}
