import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// JSON Web Tokens: who may come in, and what private rooms show to whom.
  @Suite(.serialized) struct TokenTests {
    private static let secret = "a secret of more than thirty-two bytes for tests"

    private func withInstallation(_ profile: Profile, _ body: (Installation) throws -> Void) throws {
      let installation = try Installation(
        profile, flags: ["--auth", "token"], environment: ["PALAVER_JWT_SECRET": Self.secret])
      defer { installation.remove() }
      try body(installation)
    }

    private func token(_ user: String, isAdmin: Bool = false) -> String {
      TestToken.make(user: user, secret: Self.secret, isAdmin: isAdmin)
    }

    @Test(arguments: [("thirty-one bytes are not enough", true), ("thirty-two bytes are just enough", false)])
    func aSecretThatCanBeGuessedIsWarnedOf(secret: String, isWarnedOf: Bool) throws {
      let installation = try Installation(
        .embedded, flags: ["--auth", "token"], environment: ["PALAVER_JWT_SECRET": secret])
      defer { installation.remove() }
      let log = installation.process().logText
      #expect(log.contains("PALAVER_JWT_SECRET can be guessed") == isWarnedOf, "\(log)")
      #expect(!log.contains(secret))
    }

    @Test(arguments: Profile.available)
    func aTokenIsTakenFromHeaderSubprotocolAndQuery(profile: Profile) throws {
      try withInstallation(profile) { installation in
        let john = token("John")
        let chat = ChatClient(installation, token: john)
        let room = try chat.makeRoom()
        let port = installation.port(1)
        let target = "/v1/chatrooms/\(room)/join"
        let header = try WebSocketClient(
          port: port, target, subprotocols: ["palaver.v1"], headers: [("Authorization", "Bearer \(john)")])
        let subprotocol = try WebSocketClient(port: port, target, subprotocols: ["palaver.v1", "bearer.\(john)"])
        let query = try WebSocketClient(port: port, target + "?access_token=\(john)", subprotocols: ["palaver.v1"])
        for client in [header, subprotocol, query] {
          #expect(client.handshake.header("sec-websocket-protocol") == "palaver.v1")
          let ready = try client.next("ready")
          #expect(ready["expires_at"]?.integer != nil, "\(ready.compact)")
        }
        let raw = try WebSocketClient(port: port, target, subprotocols: ["bearer.\(john)"])
        #expect(raw.handshake.header("sec-websocket-protocol")?.contains("bearer") != true, "a token is never echoed")
        try raw.send("hello")
        #expect(try raw.receiveJSON()["user"]?.string == "John")
        try header.send(["type": "auth", "token": .string(token("John"))])
        try header.expectPong()
      }
    }

    @Test(arguments: Profile.available)
    func whatIsNoTokenIsRefused(profile: Profile) throws {
      try withInstallation(profile) { installation in
        let room = try ChatClient(installation, token: token("John")).makeRoom()
        let good = token("John")
        let wrong = [
          "", "x", "a.b.c", good + "x", String(good.dropLast(3)), TestToken.make(user: "John", secret: "another"),
          TestToken.make(user: "John", secret: Self.secret, lifetime: -120),
          TestToken.make(user: "John", secret: Self.secret, lifetime: nil),
          TestToken.make(user: nil, secret: Self.secret),
          TestToken.make(user: "John", secret: Self.secret, algorithm: "none"),
          TestToken.make(user: "John", secret: Self.secret, algorithm: "RS256"),
          String(repeating: "e", count: 6_000),
        ]
        for token in wrong {
          let reply = try ChatClient(installation, token: token).http.get("/v1/chatrooms")
          #expect(
            reply.status == 401 && ["unauthorized", "token_expired"].contains(reply["error"]?.string),
            "\(token.prefix(40)): \(reply)")
        }
        let open = ChatClient(installation)
        for target in [
          "/v1/chatrooms", "/v1/chatrooms/\(room)/messages", "/v1/search?q=x", "/v1/chatrooms/\(room)?user=John",
        ] {
          #expect(try open.http.get(target).status == 401, "\(target)")
        }
        #expect(try open.http.get("/healthz").status == 200)
        let refused = try #require(throws: HandshakeRefused.self) { try open.joinRaw(room, as: "John") }
        #expect(refused.response.status == 401)
        let deletion = try ChatClient(installation, token: good).http.request("DELETE", "/v1/users")
        #expect(deletion.status == 403, "\(deletion)")
      }
    }

    @Test(arguments: Profile.available)
    func aPrivateRoomDoesNotExistForOthers(profile: Profile) throws {
      try withInstallation(profile) { installation in
        let owner = ChatClient(installation, token: token("owner"))
        let stranger = ChatClient(installation, token: token("stranger"), 1)
        let name = "secret plans"
        let room = try owner.makeRoom(["name": .string(name), "kind": "private"])
        _ = try owner.http.post("/v1/chatrooms/\(room)/messages", ["text": "xylophone"])
        #expect(try owner.search("xylophone")["hits"]?.array?.count == 1)

        let calls: [(method: String, target: String, body: String?)] = [
          ("GET", "", nil), ("PATCH", "", #"{"topic":"x"}"#), ("DELETE", "", nil), ("GET", "/users", nil),
          ("GET", "/members", nil), ("PUT", "/members/stranger", nil), ("DELETE", "/members/owner", nil),
          ("PUT", "/read", #"{"seq":1}"#), ("GET", "/messages", nil), ("POST", "/messages", #"{"text":"x"}"#),
          ("PATCH", "/messages/1", #"{"text":"x"}"#), ("DELETE", "/messages/1", nil),
        ]
        for (method, path, body) in calls {
          let body = body.map { Array($0.utf8) }
          let reply = try stranger.http.request(method, "/v1/chatrooms/\(room)\(path)", body: body)
          let absent = try stranger.http.request(method, "/v1/chatrooms/999999\(path)", body: body)
          #expect(reply.status == 404 && absent.status == 404, "\(method) \(path): \(reply)")
          #expect(reply["error"] == absent["error"], "\(method) \(path): \(reply)")
          #expect(!reply.text.contains(name))
        }
        let refused = try #require(throws: HandshakeRefused.self) {
          try WebSocketClient(port: stranger.http.port, "/v1/chatrooms/\(room)/join", headers: stranger.http.headers)
        }
        #expect(refused.response.status == 404)
        for query in ["xylophone", "in:#\(room)", "in:\"\(name)\"", "from:owner", ""] {
          #expect(try stranger.search(query)["hits"]?.array?.isEmpty == true, "\(query)")
        }
        let inRoom = try stranger.http.get("/v1/search?q=xylophone&room=\(room)")
        #expect(inRoom.status == 404 || inRoom["hits"]?.array?.isEmpty == true, "\(inRoom)")
        #expect(!(try stranger.http.get("/v1/chatrooms")).text.contains(name))
        #expect(!(try stranger.http.get("/v1/chatrooms?q=secret")).text.contains(name))

        // A member finds it at once, and no longer once removed.
        try owner.expect(owner.http.request("PUT", "/v1/chatrooms/\(room)/members/stranger"), 200)
        #expect(try stranger.search("xylophone")["hits"]?.array?.count == 1)
        try owner.expect(owner.http.request("DELETE", "/v1/chatrooms/\(room)/members/stranger"), 200)
        #expect(try stranger.search("xylophone")["hits"]?.array?.isEmpty == true)
      }
    }

    @Test(arguments: Profile.available)
    func anAdminWhoActsForAnotherFindsWhatThatUserMay(profile: Profile) throws {
      try withInstallation(profile) { installation in
        let admin = ChatClient(installation, token: token("root", isAdmin: true))
        let john = ChatClient(installation, token: token("John"))
        let bob = ChatClient(installation, token: token("Bob"))
        let open = try john.makeRoom()
        let closed = try john.makeRoom(["kind": "private", "name": "hideout"])
        try bob.send("xylophone for @Bob", to: open, as: "Bob")
        try john.send("xylophone in secret for @root", to: closed, as: "John")
        #expect(try admin.search("xylophone")["total"]?["value"]?.integer == 2)
        #expect(try admin.search("xylophone", "&user=root")["total"]?["value"]?.integer == 2)
        let found = try admin.search("xylophone", "&user=Bob&facets=room")
        #expect(found["total"]?["value"]?.integer == 1 && found["hits"]?.array?.count == 1, "\(found)")
        #expect(found["facets"]?["room"]?.array?.count == 1, "\(found)")
        #expect(try admin.search("mentions:me", "&user=Bob")["hits"]?.array?.count == 1)
        #expect(try admin.http.get("/v1/search?q=x&user=Bob&room=\(closed)").status == 404)
        #expect(try admin.http.get("/v1/search?q=x&user=Nobody").status == 404)
        #expect(try admin.http.get("/v1/search/suggest?q=in:hide")["suggestions"]?.array?.count == 1)
        #expect(try admin.http.get("/v1/search/suggest?q=in:hide&user=Bob")["suggestions"]?.array?.isEmpty == true)
      }
    }

    @Test(arguments: Profile.available)
    func anAdminMayActForOthers(profile: Profile) throws {
      try withInstallation(profile) { installation in
        let admin = ChatClient(installation, token: token("root", isAdmin: true))
        let john = ChatClient(installation, token: token("John"))
        let room = try john.makeRoom(["kind": "private"])
        #expect(try admin.http.get("/v1/chatrooms/\(room)").status == 200)
        let sent = try admin.send("in John's name", to: room, as: "John")
        #expect(sent["user"]?.string == "John")
        let forged = try john.post("in root's name", to: room, as: "root")
        #expect(forged.status == 403 || forged["user"]?.string == "John", "\(forged)")
      }
    }
  }
}
