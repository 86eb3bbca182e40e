import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// One connection for many rooms.
  @Suite struct ConnectTests {
    private static let roomCount = 200

    @Test(.timeLimit(.minutes(3)), arguments: Profile.available)
    func twoHundredRoomsAreJoinedLeftAndResumed(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let rooms = try (0..<Self.roomCount).map { _ in try first.makeRoom() }
      for room in rooms { try first.send("before", to: room, as: user) }

      let client = try second.connect(as: user)
      var views = Dictionary(uniqueKeysWithValues: rooms.map { ($0, ChatView(room: $0)) })
      try join(rooms, with: client, views: &views)
      for view in views.values { #expect(view.messages.count == 1) }

      // Odd ones are left, and everything after that is not heard.
      let left = rooms.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      for room in left {
        try client.send(["type": "leave", "ref": .string("l-\(room)"), "room": .integer(room)])
      }
      for _ in left { _ = try client.next("left") }
      for room in rooms { try first.send("while away", to: room, as: user) }
      let stayed = Set(rooms).subtracting(left)
      try read(from: client, into: &views) { views in stayed.allSatisfy { views[$0]?.messages.count == 2 } }
      for room in left { #expect(views[room]?.messages.count == 1) }

      for room in left { views[room]?.reconnect() }
      try join(left, with: client, views: &views)
      for view in views.values { #expect(view.messages.count == 2 && view.isComplete) }

      try client.send(["type": "send", "ref": "s", "room": .integer(rooms[7]), "text": "from here"])
      try read(from: client, into: &views) { $0[rooms[7]]?.messages.count == 3 }
      client.drop()
    }

    private func join(_ rooms: [Int64], with client: WebSocketClient, views: inout [Int64: ChatView]) throws {
      for room in rooms {
        var frame: [(name: String, value: JSONValue)] = [
          ("type", "join"), ("ref", .string("j-\(room)")), ("room", .integer(room)),
        ]
        if let view = views[room], let epoch = view.epoch {
          frame += [("since", .integer(view.lastEvent)), ("epoch", .string(epoch))]
        }
        try client.send(.object(JSONObject(frame)))
      }
      try read(from: client, into: &views) { views in rooms.allSatisfy { views[$0]?.isLive == true } }
    }

    private func read(
      from client: WebSocketClient, into views: inout [Int64: ChatView], until done: ([Int64: ChatView]) -> Bool
    ) throws {
      let deadline = ContinuousClock.now + .seconds(60)
      while !done(views) {
        let frame = try client.receiveJSON(until: deadline)
        if frame["type"]?.string == "error" { throw TestSupportError(frame.compact) }
        guard let room = frame["room"]?.integer else { continue }
        try views[room]?.apply(frame)
      }
    }

    @Test(arguments: Profile.available)
    func everyFrameMustNameARoomThatIsJoined(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      let client = try chat.connect(as: user)
      let wrong: [JSONValue] = [
        ["type": "send", "ref": "x", "text": "where?"],
        ["type": "join", "ref": "x"],
        ["type": "join", "ref": "x", "room": 9_000_000_000],
        ["type": "join", "ref": "x", "room": "1"],
        ["type": "join", "ref": "x", "room": -1],
        ["type": "join", "ref": "x", "room": .integer(room), "since": -1],
        ["type": "join", "ref": "x", "room": .integer(room), "limit": 1_001],
      ]
      for frame in wrong {
        try client.send(frame)
        #expect(try client.next("error", ref: "x")["error"]?.string?.isEmpty == false, "\(frame.compact)")
      }
      try client.send(["type": "join", "ref": "x", "room": .integer(room)])
      _ = try client.receiveReplay()
      client.drop()
    }
  }
}
