import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// Many writers and readers at once, readers coming and going: everybody ends with the same history.
  @Suite(.serialized) struct StormTests {
    private static let seed: UInt64 = 20_261_121
    private static let writers = 50
    private static let readers = 50
    private static let rooms = 10
    private static let seconds: Int64 = 15

    @Test(.timeLimit(.minutes(4)), arguments: Profile.available)
    func everyReaderEndsWithTheRoomsHistory(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let chat = ChatClient(installation)
      let rooms = try (0..<Self.rooms).map { _ in try chat.makeRoom() }
      let names = try (0..<(Self.writers + Self.readers)).map { try chat.makeUser("user-\($0)") }
      let end = ContinuousClock.now + .seconds(Self.seconds)
      let finished = Countdown(Self.writers)

      let views = try concurrently(Self.writers + Self.readers) { index -> ChatView? in
        if index < Self.writers {
          defer { finished.arrive() }
          let writer = ChatClient(installation, index)
          try Self.write(writer, names[index], rooms[index % rooms.count], seed: UInt64(index), until: end)
          return nil
        }
        return try Self.read(installation, names[index], rooms[index % rooms.count], seed: UInt64(index), finished)
      }
      let seen = views.compactMap(\.self)
      #expect(seen.count == Self.readers)
      for room in rooms {
        let history = try chat.history(of: room).compactMap { ViewedMessage($0) }
        #expect(history.count > Self.seconds)
        #expect(Set(history.map(\.seq)).count == history.count)
        for view in seen where view.room == room {
          let messages = view.messages.values.sorted { $0.seq < $1.seq }
          #expect(messages == history, "room \(room): \(Self.difference(messages, history))")
        }
      }
    }

    private static func difference(_ view: [ViewedMessage], _ history: [ViewedMessage]) -> String {
      let missing = history.filter { !view.contains($0) }.prefix(3)
      let extra = view.filter { !history.contains($0) }.prefix(3)
      return "\(view.count) of \(history.count); missing \(missing); wrong \(extra)"
    }

    /// Sends, edits and deletes its own messages.
    private static func write(
      _ chat: ChatClient, _ user: String, _ room: Int64, seed: UInt64, until end: ContinuousClock.Instant
    ) throws {
      var random = SplitMix64(seed: Self.seed &+ seed)
      let socket = try chat.join(room, as: user, "&limit=1")
      var own: [Int64] = []
      var count = 0
      while ContinuousClock.now < end {
        count += 1
        switch Int.random(in: 0..<10, using: &random) {
        case 0 where !own.isEmpty:
          let seq = own[Int.random(in: 0..<own.count, using: &random)]
          try change(
            socket,
            [
              "type": "edit", "ref": .string("e-\(count)"), "seq": .integer(seq),
              "text": .string("edit \(count) by \(user)"),
            ])
        case 1 where !own.isEmpty:
          let seq = own.remove(at: Int.random(in: 0..<own.count, using: &random))
          try change(socket, ["type": "delete", "ref": .string("d-\(count)"), "seq": .integer(seq)])
        default:
          let ack = try socket.sendMessage("message \(count) by \(user)", ref: "\(user)-\(count)")
          own.append(try found(ack["seq"]?.integer, ack.compact))
        }
        // Fast enough to collide, slow enough that two cores measure the server and not its clients.
        _ = socket.hasInput(until: .now + .milliseconds(Int64.random(in: 20...120, using: &random)))
      }
      try socket.close()
    }

    private static func change(_ socket: WebSocketClient, _ frame: JSONValue) throws {
      try socket.send(frame)
      _ = try socket.next("ack", ref: frame["ref"]?.string)
    }

    /// Follows a room through connections that end at random, and to its very last event.
    private static func read(
      _ installation: Installation, _ user: String, _ room: Int64, seed: UInt64, _ writers: Countdown
    ) throws -> ChatView {
      var random = SplitMix64(seed: Self.seed &+ seed)
      var view = ChatView(room: room)
      while true {
        let chat = ChatClient(installation, Int.random(in: 0...1, using: &random))
        view.reconnect()
        let socket = try chat.join(room, as: user, view.resumeTarget)
        let until = ContinuousClock.now + .milliseconds(Int64.random(in: 100...3_000, using: &random))
        while !view.isLive || ContinuousClock.now < until {
          guard view.isLive == false || socket.hasInput(until: until) else { break }
          try view.apply(try socket.receiveJSON())
        }
        if writers.isOver {
          let last = try found(chat.http.get("/v1/chatrooms/\(room)")["last_event"]?.integer, "last_event")
          while view.lastEvent < last { try view.apply(try socket.receiveJSON()) }
          try completeWithHistory(&view, socket)
          socket.drop()
          return view
        }
        socket.drop()
      }
    }

    /// What was said before the reader came.
    private static func completeWithHistory(_ view: inout ChatView, _ socket: WebSocketClient) throws {
      var before = view.oldestHeld
      while let position = before {
        try socket.send(["type": "history", "ref": "h", "before": .integer(position), "limit": 200])
        let page = try socket.next("history", ref: "h")
        let messages = page["messages"]?.array ?? []
        try view.add(page: messages)
        before = page["has_more_before"]?.boolean == true ? messages.first?["seq"]?.integer : nil
      }
    }
  }
}
