import Drivers
import Foundation
import TestSupport
import Testing

/// What a room of a million messages costs beside one of a thousand. Runs only where `PALAVER_MEASURE` is set; give the
/// optimized executable in `PALAVER_TEST_BINARY`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil))
struct LargeRoomMeasurement {
  private static let rounds = 30

  @Test(arguments: Profile.available) func aMillionMessages(profile: Profile) async throws {
    try await onOwnThread {
      let installation = try Installation(profile)
      defer { installation.remove() }
      if profile == .embedded { installation.process().terminate() }
      for (name, count) in [("small", 1_000), ("large", 1_000_000)] { try Self.fill(name, count, installation) }
      if profile == .embedded { try installation.restart() }
      _ = try installation.http().post("/v1/users", ["name": "reader"])
      let small = try Self.measure("small", installation)
      let large = try Self.measure("large", installation)
      for (one, other) in zip(small, large) {
        let ratio = String(format: "%.2f", other.milliseconds / one.milliseconds)
        print(
          "\(profile), \(one.what): \(one.milliseconds) ms of 1,000; \(other.milliseconds) ms of 1,000,000; ratio \(ratio)"
        )
      }
    }
  }

  private static func fill(_ room: String, _ count: Int, _ installation: Installation) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(room)-\(UInt32.random(in: 0 ... .max))")
    defer { try? FileManager.default.removeItem(at: file) }
    guard FileManager.default.createFile(atPath: file.path, contents: nil) else { throw TestSupportError("no file") }
    let handle = try FileHandle(forWritingTo: file)
    for start in stride(from: 0, to: count, by: 10_000) {
      let lines = (start..<min(count, start + 10_000)).map {
        #"{"room":"\#(room)","user":"u\#($0 % 100)","timestamp":\#(1_600_000_000_000 + $0 * 1_000),"#
          + #""text":"message number \#($0) of a long conversation about nothing in particular"}"# + "\n"
      }
      try handle.write(contentsOf: Data(lines.joined().utf8))
    }
    try handle.close()
    let start = ContinuousClock.now
    let result = try PalaverProcess.run(
      ["import", file.path], environment: installation.environment, within: .seconds(900))
    guard result.status == 0 else { throw TestSupportError("no import: \(result.errors.suffix(500))") }
    print("\(installation.profile): imported \(count) in \(ContinuousClock.now - start)")
  }

  private typealias Figure = (what: String, milliseconds: Double)

  private static func measure(_ name: String, _ installation: Installation) throws -> [Figure] {
    let http = installation.http()
    let reply = try http.get("/v1/chatrooms?limit=100&q=\(name)")
    let found = reply["chatrooms"]?.array?.first(where: { $0["name"]?.string == name })
    guard let id = found?["id"]?.integer, let last = found?["last_event"]?.integer else {
      throw TestSupportError("no room: \(reply)")
    }
    let join = "/v1/chatrooms/\(id)/join?user=reader"
    return [
      ("first join", try timed(1) { try follow(installation, join) }),
      ("join", try timed(rounds) { try follow(installation, join) }),
      ("resume 50 behind", try timed(rounds) { try follow(installation, "\(join)&since=\(last - 50)") }),
      ("page at its beginning", try timed(rounds) { try page(http, id, "after=0") }),
      ("page in its middle", try timed(rounds) { try page(http, id, "around=\(last / 2)") }),
    ]
  }

  private static func page(_ http: HTTPTestClient, _ room: Int64, _ query: String) throws {
    let reply = try http.get("/v1/chatrooms/\(room)/messages?\(query)")
    guard reply["messages"]?.array?.count == 50 else { throw TestSupportError("no page: \(reply)") }
  }

  private static func follow(_ installation: Installation, _ target: String) throws {
    let socket = try WebSocketClient(port: installation.port(), target, subprotocols: ["palaver.v1"])
    _ = try socket.next("replayed")
    socket.drop()
  }

  /// The median, in milliseconds.
  private static func timed(_ rounds: Int, _ body: () throws -> Void) throws -> Double {
    let times = try (0..<rounds).map { _ in
      let time = try ContinuousClock().measure(body).components
      return Double(time.seconds) * 1_000 + Double(time.attoseconds) / 1e15
    }
    return (times.sorted()[rounds / 2] * 100).rounded() / 100
  }
}
