import Testing

@testable import Bench

/// Frames as a server writes them.
private func parsed(_ json: String) throws -> EventFrame {
  let bytes = Array(json.utf8)
  let frame = EventFrame(bytes.span)
  return try #require(frame, "\(json)")
}

private func ready(event: Int64, seq: Int64, complete: Bool = true) -> String {
  #"{"type":"ready","room":3,"epoch":"k","last_event":\#(event),"last_seq":\#(seq),"complete":\#(complete)}"#
}

private func message(_ event: Int64, seq: Int64? = nil) -> String {
  #"{"type":"message","room":3,"seq":\#(seq ?? event),"event":\#(event),"text":"1 a \"b\" c"}"#
}

private func replayed(_ through: Int64) -> String { #"{"type":"replayed","room":3,"through":\#(through)}"# }

/// The kinds of breach that a checker finds in frames.
private func breaches(
  _ frames: [String], limit: Int = 100, since: (event: Int64, seq: Int64)? = nil
) throws -> [Breach.Kind] {
  var checker = DeliveryChecker(room: 3, limit: limit, since: since)
  var kinds: [Breach.Kind] = []
  for frame in frames {
    let frame = try parsed(frame)
    do throws(Breach) { try checker.take(frame) } catch { kinds.append(error.kind) }
  }
  return kinds
}

@Suite struct DeliveryCheckerTests {
  @Test func aReplayAndLiveEventsInOrderAreRight() throws {
    let frames = [
      ready(event: 3, seq: 3), message(1), message(2), message(3), replayed(3), message(4),
      #"{"type":"presence","room":3,"joined":["a"],"left":[],"present":1}"#,
      #"{"type":"edited","room":3,"seq":2,"event":5,"text":"x"}"#, message(6, seq: 5),
    ]
    #expect(try breaches(frames).isEmpty)
  }

  @Test func ofALongRoomTheNewestAreRight() throws {
    let frames = [ready(event: 9, seq: 8), message(8, seq: 7), message(9, seq: 8), replayed(9), message(10, seq: 9)]
    #expect(try breaches(frames, limit: 2).isEmpty)
    #expect(try breaches([ready(event: 9, seq: 8), message(9, seq: 8), replayed(9)], limit: 2) == [.lost])
  }

  @Test func aLostDeliveryIsNoticed() throws {
    let frames = [ready(event: 0, seq: 0), replayed(0), message(1), message(3), message(4)]
    #expect(try breaches(frames) == [.lost])
  }

  @Test func aDoubledDeliveryIsNoticed() throws {
    #expect(try breaches([ready(event: 0, seq: 0), replayed(0), message(1), message(1)]) == [.doubled])
  }

  @Test func reorderedDeliveriesAreNoticed() throws {
    let frames = [ready(event: 0, seq: 0), replayed(0), message(1), message(3), message(2), message(4)]
    #expect(try breaches(frames) == [.lost, .reordered])
  }

  @Test func aMessageMissingBetweenReplayAndLiveIsNoticed() throws {
    #expect(try breaches([ready(event: 2, seq: 2), message(1), message(2), replayed(2), message(4)]) == [.lost])
    #expect(try breaches([ready(event: 2, seq: 2), message(1), replayed(2), message(3)]) == [.lost])
    #expect(try breaches([ready(event: 2, seq: 2), message(1), message(2), replayed(1)]) == [.lost])
  }

  @Test func aSeqThatIsLeftOutIsNoticedThoughEventsAreDense() throws {
    let frames = [ready(event: 1, seq: 1), message(1), replayed(1), message(2, seq: 3)]
    #expect(try breaches(frames) == [.lost])
  }

  @Test func aResumeHasEveryEventAfterItsPosition() throws {
    let since = (event: Int64(5), seq: Int64(5))
    #expect(try breaches([ready(event: 7, seq: 7), message(6), message(7), replayed(7)], since: since).isEmpty)
    #expect(try breaches([ready(event: 7, seq: 7), message(7), replayed(7)], since: since) == [.lost])
    #expect(try breaches([ready(event: 4, seq: 4), replayed(4)], since: since).contains(.lost))
  }

  @Test func oneThatIsTooFarBehindGetsTheNewestInstead() throws {
    let frames = [ready(event: 900, seq: 900, complete: false), message(899), message(900), replayed(900)]
    #expect(try breaches(frames, limit: 2, since: (event: 5, seq: 5)).isEmpty)
  }

  @Test func framesOfAnotherRoomOrWithoutNumbersAreMalformed() throws {
    #expect(try breaches([message(1)]) == [.malformed])
    #expect(try breaches([ready(event: 0, seq: 0), #"{"type":"message","room":4,"seq":1,"event":1}"#]) == [.malformed])
    #expect(try breaches([ready(event: 0, seq: 0), #"{"type":"message","room":3,"text":"x"}"#]) == [.malformed])
  }
}

@Suite struct AckCheckerTests {
  private func checker(sent numbers: [Int64]) -> AckChecker {
    var checker = AckChecker()
    for number in numbers { checker.send(AckChecker.Sent(number: number, intended: number * 10)) }
    return checker
  }

  @Test func eachMessageIsAcknowledgedOnce() throws {
    var checker = checker(sent: [4, 5, 9])
    #expect(try checker.acknowledge(4, seq: 1).intended == 40)
    #expect(try checker.acknowledge(5, seq: 7).intended == 50)
    #expect(checker.waiting == 1)
    #expect(checker.waitingNumbers == [9])
    #expect { try checker.acknowledge(4, seq: 1) } throws: { ($0 as? Breach)?.kind == .foreignAck }
    #expect { try checker.acknowledge(6, seq: 8) } throws: { ($0 as? Breach)?.kind == .foreignAck }
  }

  @Test func messagesOfOneConnectionKeepTheirOrder() throws {
    var checker = checker(sent: [1, 2, 3])
    _ = try checker.acknowledge(2, seq: 5)
    // A late acknowledgement is no harm where the messages stand in order.
    _ = try checker.acknowledge(1, seq: 4)
    #expect { try checker.acknowledge(3, seq: 3) } throws: { ($0 as? Breach)?.kind == .reordered }
  }

  @Test func thousandsInFlightAreFollowed() throws {
    var checker = checker(sent: Array(0..<5_000))
    for number in Int64(0)..<5_000 { _ = try checker.acknowledge(number, seq: number + 1) }
    #expect(checker.waiting == 0)
  }
}

@Suite struct PageCheckerTests {
  private func page(_ seqs: [Int64], room: Int64 = 2) -> [UInt8] {
    let messages = seqs.map { #"{"room":\#(room),"seq":\#($0),"event":\#($0),"text":"\#($0) ba{ce\"]"}"# }
    return Array(#"{"messages":[\#(messages.joined(separator: ","))],"has_more_before":true,"epoch":"k"}"#.utf8)
  }

  private func kind(_ body: [UInt8], _ expected: ClosedRange<Int64>) -> Breach.Kind? {
    do throws(Breach) {
      try PageChecker.check(history: body.span, room: 2, expected: expected)
      return nil
    } catch { return error.kind }
  }

  @Test func aPageHasWhatWasAskedForAndNothingElse() {
    #expect(kind(page([4, 5, 6]), 4...6) == nil)
    #expect(kind(page([4, 6]), 4...6) == .wrongPage)
    #expect(kind(page([4, 5]), 4...6) == .wrongPage)
    #expect(kind(page([4, 5, 6, 7]), 4...6) == .wrongPage)
    #expect(kind(page([6, 5, 4]), 4...6) == .wrongPage)
    #expect(kind(page([4, 5, 6], room: 3), 4...6) == .wrongPage)
    #expect(kind(Array("[]".utf8), 4...6) == .malformed)
    #expect(kind(Array(#"{"messages":[{"room":2,"seq":4"#.utf8), 4...6) == .wrongPage)
  }

  @Test func aSearchHoldsItsWordInEveryHit() {
    func kind(_ hits: String, complete: Bool = true) -> Breach.Kind? {
      let body = Array(#"{"hits":[\#(hits)],"complete":\#(complete)}"#.utf8)
      do throws(Breach) {
        try PageChecker.check(search: body.span, query: "ba", word: Array("bace".utf8), mustHit: true)
        return nil
      } catch { return error.kind }
    }
    #expect(kind(#"{"message":{"text":"1 bace"}}"#) == nil)
    #expect(kind(#"{"message":{"text":"1 bace"}},{"message":{"text":"2 bac"}}"#) == .wrongSearch)
    #expect(kind("") == .wrongSearch)
    #expect(kind("", complete: false) == nil)
  }
}
