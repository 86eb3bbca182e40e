import Drivers
import TestSupport
import Testing

/// The tests' own instruments: a gauge that always says "fine" would be worse than none.
@Suite struct TestSupportTests {
  @Test func tokensAreSignedAsInTheStandardsExample() {
    // RFC 4231, test case 2.
    let code = SHA256.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
    #expect(code.prefix(8) == [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e])
    // FIPS 180-4's example of two blocks.
    let hash = SHA256.hash(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
    #expect(hash.prefix(4) == [0x24, 0x8d, 0x6a, 0x61])
  }

  private func message(_ event: Int64, seq: Int64, type: JSONValue = "message") -> JSONValue {
    [
      "type": type, "room": 1, "seq": .integer(seq), "event": .integer(event), "revised": .integer(event),
      "user": "John", "text": .string("text \(event)"), "timestamp": 1,
    ]
  }

  private func ready(_ last: Int64, isComplete: Bool = true) -> JSONValue {
    [
      "type": "ready", "room": 1, "epoch": "e", "last_event": .integer(last), "last_seq": .integer(last),
      "complete": .boolean(isComplete), "reset": false,
    ]
  }

  private func view(after frames: [JSONValue]) throws -> ChatView {
    var view = ChatView(room: 1)
    for frame in frames { try view.apply(frame) }
    return view
  }

  @Test func aViewIsBuiltFromFrames() throws {
    let deletion: JSONValue = ["type": "deleted", "room": 1, "event": 5, "seq": 2]
    let view = try view(after: [
      ready(3), message(1, seq: 1), message(3, seq: 2), ["type": "replayed", "through": 3],
      message(4, seq: 1, type: "edited"), deletion, message(6, seq: 3),
    ])
    #expect(view.messages.keys.sorted() == [1, 3])
    #expect(view.messages[1]?.text == "text 4")
    #expect(view.lastEvent == 6 && view.isLive && view.liveEvents == 3)
  }

  @Test func aViewForgetsWhereTheServerSaysSo() throws {
    var view = try view(after: [ready(1), message(1, seq: 1), ["type": "replayed", "through": 1]])
    view.reconnect()
    for frame in [ready(900, isComplete: false), message(900, seq: 900), ["type": "replayed", "through": 900]] {
      try view.apply(frame)
    }
    #expect(view.messages.keys.sorted() == [900])
    #expect(view.oldestHeld == 900 && !view.isComplete)
  }

  @Test func aViewRefusesWhatBreaksTheOrder() {
    let live = [ready(1), message(1, seq: 1), ["type": "replayed", "through": 1]]
    let broken: [[JSONValue]] = [
      [message(1, seq: 1)],
      [ready(2), message(2, seq: 2), message(1, seq: 1)],
      [ready(2), message(1, seq: 1), message(1, seq: 1)],
      [ready(1), message(2, seq: 1)],
      [ready(2), ["type": "replayed", "through": 1]],
      live + [message(1, seq: 1)],
      live + [message(3, seq: 2)],
      live + [ready(1)],
      live + [["type": "message", "room": 2, "seq": 2, "event": 2]],
    ]
    for frames in broken {
      #expect(throws: TestSupportError.self, "\(frames.map(\.compact))") { try view(after: frames) }
    }
  }
}
