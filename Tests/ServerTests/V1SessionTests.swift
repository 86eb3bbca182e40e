import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex
@testable import server

@Suite struct V1SessionTests {
  private var limits = SessionLimits()

  private func joinedSession(_ upgrade: WebSocketUpgrade = upgrade()) -> V1Session {
    var session = V1Session(upgrade, limits: limits, now: 0)
    _ = session.start()
    _ = session.joined(1, state(0), [])
    return session
  }

  private func state(_ event: Int64) -> JoinState {
    JoinState(
      position: RoomPosition(epoch: "k1", lastEvent: event, lastSeq: event), since: nil, isComplete: true,
      isReset: false)
  }

  private func committed(_ seq: Int64) -> Result<JournalWriter.Committed, ChatError> {
    .success(JournalWriter.Committed(event: event(message(seq)), isDuplicate: false))
  }

  /// What the actions say to the client, and in short what else they do.
  private func spoken(_ actions: [SessionAction]) -> [String] {
    actions.flatMap { action -> [String] in
      switch action {
      case .reply(let frame): [type(frame)]
      case .replay(let frames): frames.map(type)
      case .submit(let submission):
        if case .send(let text, _, _) = submission.action { ["submit \(text)"] } else { ["submit"] }
      case .request: ["request"]
      case .subscribe(let wish, _): ["subscribe \(wish.room)"]
      case .unsubscribe(let room): ["unsubscribe \(room)"]
      case .typing: ["typing"]
      case .pause: ["pause"]
      case .expire: []
      case .close(let code, _): ["close \(code.rawValue)"]
      }
    }
  }

  private func type(_ frame: WebSocketFrame) -> String {
    // A brace alone may be the header's length.
    let start = frame.bytes.firstRange(of: Array(#"{""#.utf8))?.lowerBound ?? 0
    let json = try? JSONValue(parsing: Array(frame.bytes[start...]))
    let detail = json?["error"]?.string ?? json?["ref"]?.string
    return (json?["type"]?.string ?? "?") + (detail.map { " \($0)" } ?? "")
  }

  @Test func saysReadyThenHistoryThenReplayedThenWhatWaited() {
    var session = V1Session(upgrade(), limits: limits, now: 0)
    #expect(spoken(session.start()) == ["subscribe 1"])
    #expect(spoken(session.receive(#"{"type":"send","ref":"a","text":"1"}"#, at: 0)) == ["submit 1"])
    #expect(spoken(session.committed(Receipt(room: 1, ref: "a"), committed(1))) == [])
    let actions = session.joined(1, state(1), [MessageWire.messageFrame(message(1))])
    #expect(spoken(actions) == ["ready", "message", "replayed", "ack a"])
    #expect(spoken(session.committed(Receipt(room: 1, ref: "b"), committed(2))) == ["ack b"])
  }

  @Test(arguments: [
    (#"{"type":"send","ref":"r"}"#, "error text_missing"),
    (#"{"type":"send","text":""}"#, "error text_missing"),
    (#"{"type":"send","text":"x","data":[]}"#, "error invalid_data"),
    (#"{"type":"send","text":"x","ref":"ä"}"#, "error invalid_ref"),
    (#"{"type":"send","text":"x","reply_to":0}"#, "error invalid_reply_to"),
    (#"{"type":"send","text":"x","room":2}"#, "error not_joined"),
    (#"{"type":"dance"}"#, "error unknown_type"), (#"{}"#, "error unknown_type"),
    (#"{"type":"join","room":2}"#, "error unknown_type"),
    (#"{"type":"edit","text":"x"}"#, "error invalid_seq"),
    (#"{"type":"delete","seq":-1}"#, "error invalid_seq"),
    (#"{"type":"history","limit":201}"#, "error invalid_limit"),
    (#"{"type":"history","limit":9223372036854775807}"#, "error invalid_limit"),
    (#"{"type":"history","before":1,"after":2}"#, "error invalid_after"),
    (#"{"type":"auth"}"#, "error invalid_token"), ("[]", "close 4000"), ("nonsense", "close 4000"),
    ("1", "close 4000"), (#"{"type":"ping","ref":"p"}"#, "pong p"), (#"{"type":"typing"}"#, "typing"),
    (#"{"type":"history","ref":"h","around":5}"#, "request"), (#"{"type":"read","seq":3}"#, "request"),
    (#"{"type":"edit","seq":3,"text":"x"}"#, "request"), (#"{"type":"delete","seq":3}"#, "request"),
  ])
  func answersEachRequest(frame: String, answer: String) {
    var session = joinedSession()
    #expect(spoken(session.receive(frame, at: 0)) == [answer])
  }

  @Test func refusesATextThatIsTooLongButKeepsTheConnection() {
    var session = joinedSession()
    let limit = MessageLimits.textBytes.upperBound
    let long = String(repeating: "x", count: limit)
    #expect(spoken(session.receive(#"{"type":"send","text":"\#(long)"}"#, at: 0)) == ["submit \(long)"])
    #expect(spoken(session.receive(#"{"type":"send","text":"\#(long)x"}"#, at: 0)) == ["error text_too_long"])
  }

  @Test func saysSlowerBeforeItCloses() {
    var session = joinedSession()
    var answers: [String] = []
    for _ in 0...Int(limits.sends.burst) + limits.refusals {
      answers += spoken(session.receive(#"{"type":"send","text":"x"}"#, at: 0))
    }
    #expect(answers.count { $0 == "submit x" } == Int(limits.sends.burst))
    #expect(answers.count { $0 == "error rate_limited" } == limits.refusals)
    #expect(answers.last == "close 4029")
    #expect(spoken(session.receive(#"{"type":"send","text":"later"}"#, at: 20_000)) == ["submit later"])
  }

  @Test func leavesUnreadWhatWouldBeTooMuchInFlight() {
    var session = joinedSession()
    for _ in 1..<limits.requestsInFlight { _ = session.receive(#"{"type":"history"}"#, at: 0) }
    #expect(!session.isSaturated)
    #expect(spoken(session.receive(#"{"type":"history"}"#, at: 0)) == ["request"])
    #expect(session.isSaturated && !session.hasRoom)
    for _ in 0..<limits.requestsInFlight / 2 {
      _ = session.answered(.failed(Receipt(room: 7, ref: nil), .unavailable("The history")), at: 0)
    }
    #expect(session.hasRoom && !session.isSaturated)
  }

  @Test func changesOneAfterTheOther() {
    var session = joinedSession()
    #expect(spoken(session.receive(#"{"type":"edit","seq":1,"text":"a"}"#, at: 0)) == ["request"])
    #expect(spoken(session.receive(#"{"type":"edit","seq":1,"text":"b"}"#, at: 0)) == [])
    #expect(spoken(session.receive(#"{"type":"delete","seq":1}"#, at: 0)) == [])
    // Only changes wait for each other.
    #expect(spoken(session.receive(#"{"type":"history"}"#, at: 0)) == ["request"])
    #expect(session.sendsInFlight == 3)
    let refused = SessionAnswer.notChanged(Receipt(room: 7, ref: nil), .messageNotFound(7, 1))
    for left in [2, 1] {
      #expect(spoken(session.answered(refused, at: 0)) == ["error message_not_found", "request"])
      #expect(session.sendsInFlight == left)
    }
    #expect(spoken(session.answered(refused, at: 0)) == ["error message_not_found"])
    #expect(spoken(session.receive(#"{"type":"delete","seq":2}"#, at: 0)) == ["request"])
  }

  @Test func leavesUnreadWhatWouldBeTooMuchForRoomsThatAreBeingJoined() {
    var session = V1Session(upgrade(room: nil), limits: limits, now: 0)
    _ = session.start()
    _ = session.receive(#"{"type":"join","room":7}"#, at: 0)
    for number in 1...limits.framesHeld {
      #expect(spoken(session.receive(#"{"type":"send","room":7,"text":"\#(number)"}"#, at: 0)) == [])
    }
    #expect(session.isSaturated)
    let wish = RoomWish(room: 7, since: nil, epoch: nil, limit: 100, ref: nil)
    let refused = session.answered(.notAdmitted(wish, .roomNotFound(7)), at: 0)
    #expect(spoken(refused).count == limits.framesHeld + 1)
    #expect(session.hasRoom && !session.isSaturated)
  }

  @Test func letsAClientJoinAllOfItsRoomsAtOnce() {
    var session = V1Session(upgrade(room: nil), limits: limits, now: 0)
    _ = session.start()
    var answers: [String] = []
    for room in 1...limits.rooms { answers += spoken(session.receive(#"{"type":"join","room":\#(room)}"#, at: 0)) }
    #expect(answers.count { $0 == "request" } == limits.rooms)
    #expect(spoken(session.receive(#"{"type":"join","room":9999}"#, at: 0)) == ["error too_many_rooms"])
  }

  @Test func holdsWhatComesForARoomUntilTheUserIsLetIn() {
    var session = V1Session(upgrade(room: nil), limits: limits, now: 0)
    #expect(spoken(session.start()) == [])
    #expect(spoken(session.receive(#"{"type":"join","room":7,"ref":"j"}"#, at: 0)) == ["request"])
    #expect(spoken(session.receive(#"{"type":"send","room":7,"text":"1"}"#, at: 0)) == [])
    #expect(spoken(session.receive(#"{"type":"send","room":7,"text":"2"}"#, at: 0)) == [])
    let wish = RoomWish(room: 7, since: nil, epoch: nil, limit: 100, ref: "j")
    let actions = session.answered(.admitted(room(7), wish, anna), at: 0)
    #expect(spoken(actions) == ["subscribe 7", "submit 1", "submit 2"])
    #expect(spoken(session.receive(#"{"type":"join","room":7}"#, at: 0)) == ["error already_joined"])
    #expect(spoken(session.receive(#"{"type":"leave","room":7}"#, at: 0)) == ["unsubscribe 7", "left"])
    #expect(spoken(session.receive(#"{"type":"send","room":7,"text":"3"}"#, at: 0)) == ["error not_joined"])
  }

  @Test func answersWhatWaitedForARoomThatRefuses() {
    var session = V1Session(upgrade(room: nil), limits: limits, now: 0)
    _ = session.receive(#"{"type":"join","room":7}"#, at: 0)
    _ = session.receive(#"{"type":"send","room":7,"text":"1","ref":"s"}"#, at: 0)
    let wish = RoomWish(room: 7, since: nil, epoch: nil, limit: 100)
    let actions = session.answered(.notAdmitted(wish, .roomNotFound(7)), at: 0)
    #expect(spoken(actions) == ["error room_not_found", "error not_joined"])
  }

  @Test func leavesARoomThatItIsStillBeingLetInto() {
    var session = V1Session(upgrade(room: nil), limits: limits, now: 0)
    _ = session.receive(#"{"type":"join","room":7}"#, at: 0)
    #expect(spoken(session.receive(#"{"type":"leave","room":7}"#, at: 0)) == [])
    let wish = RoomWish(room: 7, since: nil, epoch: nil, limit: 100)
    #expect(spoken(session.answered(.admitted(room(7), wish, anna), at: 0)) == ["unsubscribe 7", "left"])
  }

  @Test func endsOneRoomOrTheConnection() {
    var single = joinedSession()
    #expect(spoken(single.ended(1, .removed)) == ["close 4003"])
    var many = V1Session(upgrade(room: nil), limits: limits, now: 0)
    _ = many.receive(#"{"type":"join","room":7}"#, at: 0)
    _ = many.answered(
      .admitted(room(7), RoomWish(room: 7, since: nil, epoch: nil, limit: 100), anna), at: 0)
    #expect(spoken(many.ended(7, .removed)) == ["left"])
  }

  @Test func takesARenewedTokenOfTheSameUserOnly() {
    var session = joinedSession()
    _ = session.receive(#"{"type":"auth","token":"t"}"#, at: 0)
    let renewed = Caller(user: anna, isAdmin: false, expiresAt: 99)
    #expect(spoken(session.answered(.authenticated(renewed, ref: "a"), at: 0)) == ["auth a"])
    _ = session.receive(#"{"type":"auth","token":"t"}"#, at: 0)
    let other = Caller(user: bob, isAdmin: false, expiresAt: 99)
    #expect(spoken(session.answered(.authenticated(other, ref: nil), at: 0)) == ["error forbidden"])
  }

  /// An admin is in rooms that the same user could not enter.
  @Test func takesNoRenewedTokenThatMayDoLess() {
    var session = joinedSession()
    for (isAdmin, said) in [(true, "auth"), (true, "auth"), (false, "error forbidden")] {
      _ = session.receive(#"{"type":"auth","token":"t"}"#, at: 0)
      let renewed = Caller(user: anna, isAdmin: isAdmin, expiresAt: 99)
      #expect(spoken(session.answered(.authenticated(renewed, ref: nil), at: 0)).first?.hasPrefix(said) == true)
    }
  }

  @Test func passesOnTypingNowAndThen() {
    var session = joinedSession()
    #expect(spoken(session.receive(#"{"type":"typing"}"#, at: 0)) == ["typing"])
    #expect(spoken(session.receive(#"{"type":"typing"}"#, at: 500)) == [])
    #expect(spoken(session.receive(#"{"type":"typing"}"#, at: 2_000)) == ["typing"])
  }
}

@Suite struct RawSessionTests {
  private func session() -> RawSession {
    RawSession(
      .init(room: room(1), since: nil, epoch: nil, limit: 100), user: anna, expiresAt: nil, limits: SessionLimits(),
      now: 0)
  }

  @Test func closesWhereAMessageCannotBeStored() {
    var session = session()
    _ = session.receive("hi", at: 0)
    let actions = session.committed(Receipt(room: 1, ref: nil), .failure(.unavailable("The journal")))
    guard case .close(.tryAgain, _)? = actions.first else { return #expect(Bool(false), "1013 expected") }
  }

  @Test func slowsAFloodDownAndLosesNothing() {
    var session = session()
    var (submitted, pauses) = (0, 0)
    for _ in 0..<2_000 {
      for action in session.receive("x", at: 0) {
        if case .submit = action { submitted += 1 }
        if case .pause = action { pauses += 1 }
      }
    }
    #expect(submitted == 2_000)
    #expect(pauses == 1_000)
    #expect(session.isSaturated)
  }

  @Test(arguments: [0, 16_385])
  func closesOnAFrameThatIsNoMessage(bytes: Int) {
    var session = session()
    let actions = session.receive(String(repeating: "x", count: bytes), at: 0)
    guard case .close(.tryAgain, _)? = actions.first else { return #expect(Bool(false), "1013 expected") }
    #expect(session.sendsInFlight == 0)
  }
}
