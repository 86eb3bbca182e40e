import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Rooms, users and members over HTTP.
  @Suite struct RouteTests {
    @Test(arguments: Profile.available)
    func roomsAreMadeListedChangedAndDeleted(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let owner = try first.freshUser("owner")
      let name = ChatClient.freshName("Röom")
      let reply = try first.http.post(
        "/v1/chatrooms?user=\(owner)", ["name": .string(name), "topic": "weather", "ref": "room-ref"])
      try first.expect(reply, 200)
      let room = try found(reply["id"]?.integer, "\(reply)")
      #expect(reply["name"]?.string == name && reply["kind"]?.string == "public", "\(reply)")
      #expect(reply["epoch"]?.string?.isEmpty == false)

      let taken = try second.http.post("/v1/chatrooms", ["name": .string(name)])
      #expect(taken.status == 409 && taken["error"]?.string == "name_taken", "\(taken)")

      let one = try second.http.get("/v1/chatrooms/\(room)?user=\(owner)")
      #expect(one.status == 200 && one["topic"]?.string == "weather", "\(one)")
      #expect(one["membership"]?["role"]?.string == "owner" && one["unread"]?.integer == 0, "\(one)")
      #expect(
        one["last_event"]?.integer == 0 && one["last_seq"]?.integer == 0 && one["members"]?.integer == 1, "\(one)")

      let found = try second.http.get("/v1/chatrooms?q=\(percentEncoded(name))")
      #expect(found["ids"] == .array([.integer(room)]), "\(found)")
      #expect(found["chatrooms"]?.array?.first?["name"]?.string == name)
      let mine = try second.http.get("/v1/chatrooms?member=me&user=\(owner)")
      #expect(mine["ids"] == .array([.integer(room)]), "\(mine)")

      let patch = Array(#"{"topic":"sports"}"#.utf8)
      let stranger = try second.freshUser()
      #expect(try second.http.request("PATCH", "/v1/chatrooms/\(room)?user=\(stranger)", body: patch).status == 403)
      let changed = try second.http.request("PATCH", "/v1/chatrooms/\(room)?user=\(owner)", body: patch)
      #expect(changed.status == 200 && changed["topic"]?.string == "sports" && changed["name"]?.string == name)

      #expect(try second.http.request("DELETE", "/v1/chatrooms/\(room)?user=\(stranger)").status == 403)
      try second.expect(second.http.request("DELETE", "/v1/chatrooms/\(room)?user=\(owner)"), 200)
      for client in [first, second] {
        let gone = try client.http.get("/v1/chatrooms/\(room)")
        #expect(gone.status == 404 && gone["error"]?.string == "room_not_found", "\(gone)")
      }
    }

    @Test(arguments: Profile.available)
    func listsArePaged(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let mark = ChatClient.freshName("page")
      let rooms = try (1...7).map { try chat.makeRoom(["name": .string("\(mark) \($0)")]) }
      var paged: [Int64] = []
      var target = "/v1/chatrooms?limit=3&q=\(percentEncoded(mark))"
      for _ in 0..<3 {
        let page = try chat.http.get(target)
        try chat.expect(page, 200)
        paged += page["chatrooms"]?.array?.compactMap { $0["id"]?.integer } ?? []
        guard let next = page["next"], !next.isNull else { break }
        let cursor = next.string ?? next.integer.map { "\($0)" } ?? ""
        target = "/v1/chatrooms?limit=3&q=\(percentEncoded(mark))&after=\(percentEncoded(cursor))"
      }
      #expect(paged == rooms)
      let whole = try chat.http.get("/v1/chatrooms")
      let ids = Set(whole["ids"]?.array?.compactMap(\.integer) ?? [])
      #expect(ids.isSuperset(of: rooms))
      #expect((whole["chatrooms"]?.array?.count ?? 0) <= 100)
    }

    @Test(arguments: Profile.available)
    func usersKeepTheirNames(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let name = ChatClient.freshName("Zoë/ %?#")
      let made = try first.http.post("/v1/users", ["name": .string(name), "display_name": "Zoë B."])
      #expect(made.status == 200 && made["name"]?.string == name && made["id"]?.integer != nil, "\(made)")
      let again = try second.http.post("/v1/chatrooms/users", ["name": .string(name)])
      #expect(again.status == 409 && again["error"]?.string == "user_exists", "\(again)")
      // Bytewise: another case is another user.
      try second.makeUser(name.uppercased())

      let target = "/v1/users/\(percentEncoded(name))"
      let user = try second.http.get(target)
      #expect(user.status == 200 && user["display_name"]?.string == "Zoë B.", "\(user)")
      let patched = try first.http.request(
        "PATCH", "\(target)?user=\(percentEncoded(name))", body: Array(#"{"display_name":"Z"}"#.utf8))
      #expect(patched.status == 200 && patched["display_name"]?.string == "Z", "\(patched)")
      try first.expect(first.http.request("DELETE", "\(target)?messages=keep&user=\(percentEncoded(name))"), 200)
      #expect(try second.http.get(target).status == 404)
      // A name is never given twice.
      let reborn = try second.http.post("/v1/users", ["name": .string(name)])
      #expect((400..<500).contains(reborn.status), "\(reborn)")
    }

    @Test(arguments: Profile.available)
    func membersComeAndGo(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let owner = try first.freshUser("owner")
      let guest = try first.freshUser("guest")
      let created = try first.http.post(
        "/v1/chatrooms?user=\(owner)", ["kind": "private", "members": .array([.string(guest)])])
      let room = try found(created["id"]?.integer, "\(created)")
      let members = try second.http.get("/v1/chatrooms/\(room)/members?user=\(guest)")
      #expect(members["members"]?.array?.count == 2, "\(members)")

      let socket = try second.join(room, as: guest)
      _ = try socket.receiveReplay()
      let watcher = try first.join(room, as: owner)
      _ = try watcher.receiveReplay()
      try first.expect(first.http.request("DELETE", "/v1/chatrooms/\(room)/members/\(guest)?user=\(owner)"), 200)
      #expect(try socket.receiveClose() == 4003)
      let removed = try watcher.next("removed")
      #expect(removed["event"]?.integer == 1 && removed["user"]?.string == guest, "\(removed.compact)")
      try first.expect(first.http.request("PUT", "/v1/chatrooms/\(room)/members/\(guest)?user=\(owner)"), 200)
      let back = try second.join(room, as: guest)
      _ = try back.receiveReplay()
      back.drop()
    }

    @Test(arguments: Profile.available)
    func whoIsConnectedIsListedSorted(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let stem = ChatClient.freshName()
      let names = try ["b", "é", "a", "B"].map { try first.makeUser("\(stem)\($0)") }
      let room = try first.makeRoom()
      let sockets = try names.enumerated().map { try ChatClient(installation, $0.offset).joinRaw(room, as: $0.element) }
      let twice = try second.joinRaw(room, as: names[0])
      for client in [first, second] {
        let reply = try client.http.get("/v1/chatrooms/\(room)/users")
        #expect(reply["users"]?.array?.compactMap(\.string) == ["B", "a", "b", "é"].map { stem + $0 }, "\(reply)")
      }
      twice.drop()
      for socket in sockets { try socket.close() }
      // The server tells of a departure before it answers a close frame only if it is its own: poll the other one.
      let deadline = ContinuousClock.now + .seconds(10)
      while try second.http.get("/v1/chatrooms/\(room)/users")["users"]?.array?.isEmpty != true {
        guard ContinuousClock.now < deadline else { throw TestSupportError("presence does not end") }
      }
    }
  }
}
