import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// What the executable refuses, and how it ends.
  @Suite struct StartTests {
    struct Refused: Sendable, CustomTestStringConvertible {
      var flags: [String]
      var environment: [String: String]
      /// What the line must name.
      var names: String

      init(_ flags: [String], _ environment: [String: String] = [:], naming names: String) {
        (self.flags, self.environment, self.names) = (flags, environment, names)
      }

      var testDescription: String { (flags + environment.map { "\($0)=\($1)" }).joined(separator: " ") }
    }

    static let refused: [Refused] = [
      Refused(["--listen", "nonsense"], naming: "listen"),
      Refused(["--listen", "127.0.0.1:99999"], naming: "listen"),
      Refused(["--role", "king"], naming: "role"),
      Refused(["--auth", "maybe"], naming: "auth"),
      Refused(["--auth", "token"], naming: "PALAVER_JWT"),
      Refused(["--journal-keep", "soon"], naming: "journal-keep"),
      Refused(["--no-such-flag"], naming: "no-such-flag"),
      Refused(["--log", "loud"], naming: "log"),
      Refused([], ["PALAVER_MIGRATE": "perhaps"], naming: "PALAVER_MIGRATE"),
      Refused(["--database", "mysql://127.0.0.1:1/x"], naming: "redis"),
      Refused(["--redis", "redis://127.0.0.1:1/0"], naming: "database"),
      Refused(["--elasticsearch", "http://127.0.0.1:1"], naming: "database"),
      Refused(["--database", "postgres://127.0.0.1/x"], naming: "database"),
      Refused([], ["PALAVER_ROLE": "king"], naming: "PALAVER_ROLE"),
      Refused(["--listen", "0.0.0.0:0", "--auth", "open"], naming: "allow-open"),
      Refused(
        [
          "--database", "mysql://u:hunter2@127.0.0.1:1/x", "--redis", "redis://127.0.0.1:1/0", "--elasticsearch",
          "http://127.0.0.1:1",
        ], naming: "auth"),
    ]

    @Test(arguments: refused)
    func aWrongSettingIsOneLineAndStatus2(refused: Refused) throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "palaver-start-\(UInt32.random(in: 0 ... .max))")
      defer { try? FileManager.default.removeItem(at: folder) }
      var environment = refused.environment
      if !refused.flags.contains("--database") { environment["PALAVER_DATA"] = folder.path }
      let listen = refused.flags.contains("--listen") ? [] : ["--listen", "127.0.0.1:0"]
      let result = try PalaverProcess.run(
        ["serve"] + refused.flags + listen, environment: environment, within: .seconds(15))
      #expect(result.status == 2, "\(result)")
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count == 1, "\(result.errors)")
      #expect(result.errors.lowercased().contains(refused.names.lowercased()), "\(result.errors)")
      #expect(!result.errors.contains("hunter2"), "a secret is masked")
      #expect(result.output.isEmpty)
    }

    @Test(arguments: Profile.available)
    func aTerminatedServerSaysByeAndEndsWithZero(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      let client = try chat.join(room, as: user)
      _ = try client.receiveReplay()
      _ = try client.sendMessage("kept")
      installation.process().signal(15)
      let bye = try client.next("bye")
      #expect(bye["reconnect_after_ms"]?.integer != nil, "\(bye.compact)")
      #expect(try client.receiveClose() == 1001)
      #expect(installation.process().waitForExit(within: .seconds(12)) == 0)
      if profile == .embedded { try installation.restart() }
      #expect(try ChatClient(installation, 1).history(of: room).map { $0["text"]?.string } == ["kept"])
    }

    @Test func aServerThatWaitsForItsDatabaseSaysSoAndCanBeEnded() throws {
      // Nobody listens on port 1.
      let flags = [
        "--database", "mysql://u:p@127.0.0.1:1/x", "--redis", "redis://127.0.0.1:1/0", "--elasticsearch",
        "http://127.0.0.1:1", "--auth", "open",
      ]
      var serving: (process: PalaverProcess, http: HTTPTestClient)?
      // A port that another process has is not the test's matter.
      for port in (0..<5).map({ _ in Int.random(in: 20_000..<30_000) }) where serving == nil {
        let process = try PalaverProcess(arguments: ["serve", "--listen", "127.0.0.1:\(port)"] + flags)
        let http = HTTPTestClient(port: port)
        let deadline = ContinuousClock.now + .seconds(20)
        while serving == nil, ContinuousClock.now < deadline, process.waitForExit(within: .milliseconds(50)) == nil {
          if let alive = try? http.get("/healthz") {
            #expect(alive.status == 200)
            serving = (process, http)
          }
        }
      }
      let (process, http) = try #require(serving)
      let ready = try http.get("/readyz")
      #expect(ready.status == 503 && ready["status"]?.string == "starting", "\(ready)")
      for reply in [ready, try http.get("/v1/chatrooms"), try http.post("/v1/chatrooms", ["name": "x"])] {
        #expect(reply.status == 503 && reply["error"]?.string == "starting", "\(reply)")
        #expect(reply.header("retry-after") != nil && reply["retry_after_ms"]?.integer != nil, "\(reply)")
        #expect(reply.header("x-request-id") != nil, "\(reply)")
      }
      process.signal(15)
      #expect(process.waitForExit(within: .seconds(10)) == 0)
    }

    @Test func theEmbeddedProfileIsCheckedAsDurable() throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "palaver-check-\(UInt32.random(in: 0 ... .max))")
      defer { try? FileManager.default.removeItem(at: folder) }
      let environment = ["PALAVER_DATA": folder.path]
      let before = try PalaverProcess.run(["check"], environment: environment)
      #expect(before.status == 0, "\(before)")
      #expect(!FileManager.default.fileExists(atPath: folder.path))
      let (server, _) = try PalaverProcess.serve(flags: ["--data", folder.path], environment: [:])
      let beside = try PalaverProcess.run(["check"], environment: environment)
      #expect(beside.status == 0 && beside.output.contains { $0.hasSuffix("synchronous = 2") }, "\(beside)")
      #expect(server.terminate() == 0)
      let after = try PalaverProcess.run(["check"], environment: environment)
      #expect(after.status == 0, "\(after)")
    }

    @Test(arguments: [(["check"], 0), (["verify"], 2), (["search", "x"], 2), (["export"], 2)] as [([String], Int32)])
    func whatOnlyLooksMakesNoFolder(arguments: [String], status: Int32) throws {
      let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "palaver-none-\(UInt32.random(in: 0 ... .max))")
      let result = try PalaverProcess.run(arguments, environment: ["PALAVER_DATA": folder.path])
      #expect(result.status == status, "\(result)")
      #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test(.enabled(if: StackEnvironment.isAvailable, "PALAVER_TEST_… is not set. Run: make test"))
    func theStackIsCheckedAndMigratedTwice() throws {
      let stack = try StackEnvironment()
      defer { try? stack.drop() }
      let environment = stack.environment.merging(["PALAVER_AUTH": "open"]) { $1 }
      let runs = try concurrently(2) { _ in try PalaverProcess.run(["migrate"], environment: environment).status }
      #expect(runs == [0, 0])
      #expect(try PalaverProcess.run(["migrate"], environment: environment).status == 0)
      let check = try PalaverProcess.run(["check"], environment: environment)
      #expect(check.status == 0, "\(check)")
    }
  }
}
