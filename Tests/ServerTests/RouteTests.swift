import ChatRooms
import Drivers
import Testing

@testable import server

private let handshake = [
  "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
]

@Suite struct RouterTests {
  @Test func anUnknownPathIsNotFound() async throws {
    let reply = try await TestServer().call("GET", "/v1/nowhere")
    #expect(reply.status == 404)
    #expect(reply.error == "not_found")
    #expect(reply.body["request_id"]?.string == "r-1")
  }

  @Test func aWrongMethodIsToldTheRightOnes() async throws {
    let reply = try await TestServer().call("PUT", "/v1/chatrooms/1")
    #expect(reply.status == 405)
    #expect(reply.header("Allow") == "DELETE, GET, PATCH")
  }

  @Test func metricsAreLabelledByPatternsAndNotByPaths() async throws {
    let server = TestServer()
    _ = try await server.call("GET", "/v1/chatrooms/12345")
    let text = server.metrics.text
    #expect(
      text.contains(#"palaver_http_requests_total{method="GET",route="/v1/chatrooms/:id",status="4xx"} 1"#), "\(text)")
    #expect(!text.contains("12345"))
  }

  @Test func readinessFollowsTheServersLifeAndItsBackEnds() async throws {
    struct Down: Error {}
    let monitor = HealthMonitor([
      HealthMonitor.Backend(name: "database", isEssential: true) {},
      HealthMonitor.Backend(name: "redis", isEssential: false) { throw Down() },
    ])
    let server = TestServer(monitor: monitor)
    try await expectUnready(server, status: "starting", error: "unavailable")
    await monitor.probe()
    let reply = try await server.call("GET", "/readyz")
    #expect(reply.status == 200)
    #expect(reply.body["status"]?.string == "degraded")
    #expect(reply.body["backends"]?["redis"]?.string == "down")
    server.phase.enter(.draining)
    try await expectUnready(server, status: "draining", error: "draining")
    #expect(try await server.call("GET", "/healthz").status == 200)
  }

  private func expectUnready(_ server: TestServer, status: String, error: String) async throws {
    let reply = try await server.call("GET", "/readyz")
    #expect(reply.status == 503 && reply.error == error)
    #expect(reply.body["status"]?.string == status && reply.body["backends"]?["redis"]?.string == "down")
    #expect(reply.body["code"]?.integer == 503 && reply.body["request_id"]?.string == "r-1")
    #expect(reply.header("Retry-After") == "1" && reply.body["retry_after_ms"]?.integer == 1_000)
  }

  @Test func thePageIsSelfContained() async throws {
    let reply = try await TestServer().call("GET", "/")
    let page = try #require(reply.body.string)
    #expect(page.contains("<title>Palaver</title>"))
    #expect(!page.contains("src=\"http") && !page.contains("@import") && !page.contains("innerHTML"))
  }
}

@Suite struct ChatroomRouteTests {
  @Test func aRoomIsMadeWithoutABody() async throws {
    let server = TestServer()
    let reply = try await server.call("POST", "/v1/chatrooms")
    #expect(reply.status == 200)
    #expect(reply.body["id"]?.integer == 1)
    #expect(reply.body["name"] == .null)
    #expect(reply.body["kind"]?.string == "public")
    #expect(reply.body["epoch"]?.string == "k0")
  }

  @Test(arguments: [
    ("nonsense", "invalid_json", "body"), ("[1]", "invalid_json", "body"), (#"{"name": 3}"#, "invalid_name", "name"),
    (#"{"kind": "secret"}"#, "invalid_kind", "kind"),
    (#"{"members": "John"}"#, "invalid_members", "members"), (#"{"ref": "é"}"#, "invalid_ref", "ref"),
    (#"{"kind": "private"}"#, "invalid_members", "members"),
  ])
  func aRoomThatCannotBeIsRefused(body: String, word: String, parameter: String) async throws {
    let reply = try await TestServer().call("POST", "/v1/chatrooms", body: body)
    #expect(reply.status == 400)
    #expect(reply.error == word)
    #expect(reply.parameter == parameter)
  }

  @Test func aListingWithoutALimitHasAllIdsAndAHundredRooms() async throws {
    let server = TestServer()
    for _ in 0..<105 { _ = try await server.call("POST", "/v1/chatrooms") }
    let whole = try await server.call("GET", "/v1/chatrooms")
    #expect(whole.body["ids"]?.array?.count == 105)
    #expect(whole.body["chatrooms"]?.array?.count == 100)
    #expect(whole.body["next"]?.string == "100")
    let rest = try await server.call("GET", "/v1/chatrooms?limit=10&after=100")
    #expect(rest.body["ids"]?.array?.compactMap(\.integer) == [101, 102, 103, 104, 105])
    #expect(rest.body["next"] == .null)
  }

  @Test func anEmptyPartOfANameIsInEveryRoom() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    _ = try await server.call("POST", "/v1/chatrooms", body: #"{"name": "tea"}"#)
    for (query, rooms) in [("q=", [1, 2]), ("q=te", [2])] as [(String, [Int64])] {
      #expect(try await server.call("GET", "/v1/chatrooms?\(query)").body["ids"]?.array?.compactMap(\.integer) == rooms)
    }
  }

  @Test(arguments: [
    ("/v1/chatrooms/1/messages?before=1&after=2", "after"), ("/v1/chatrooms/1/messages?around=1&after=2", "around"),
    ("/v1/chatrooms?limit=0", "limit"), ("/v1/chatrooms?limit=-1", "limit"), ("/v1/chatrooms?limit=x", "limit"),
    ("/v1/chatrooms?limit=99999999999999999999", "limit"), ("/v1/chatrooms?after=-1", "after"),
    ("/v1/chatrooms?member=you", "member"), ("/v1/chatrooms/0", "id"), ("/v1/chatrooms/-1", "id"),
    ("/v1/chatrooms/+1", "id"), ("/v1/chatrooms/abc/users", "id"), ("/v1/chatrooms/99999999999999999999", "id"),
    ("/v1/chatrooms/1/join?limit=1001", "limit"), ("/v1/chatrooms/1/join?since=-1", "since"),
    ("/v1/search?limit=101", "limit"), ("/v1/search?sort=best", "sort"), ("/v1/search?tz=Mars", "tz"),
    ("/v1/search?room=x", "room"),
  ])
  func aWrongNumberIsNamed(target: String, parameter: String) async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    let reply = try await server.call("GET", target)
    #expect(reply.status == 400)
    #expect(reply.parameter == parameter)
    #expect(reply.body["message"]?.string != nil)
  }

  @Test func aPrivateRoomDoesNotExistForOthers() async throws {
    let server = TestServer.tokens()
    let anna = ["authorization": "Bearer anna"]
    let made = try await server.call("POST", "/v1/chatrooms", body: #"{"kind": "private"}"#, headers: anna)
    #expect(made.status == 200)
    for target in ["/v1/chatrooms/1", "/v1/chatrooms/1/users", "/v1/chatrooms/1/members", "/v1/chatrooms/1/join"] {
      let reply = try await server.call("GET", target, headers: ["authorization": "Bearer ben"])
      #expect(reply.status == 404)
      #expect(reply.error == "room_not_found")
    }
    #expect(try await server.call("GET", "/v1/chatrooms/1", headers: anna).status == 200)
    #expect(try await server.call("GET", "/v1/chatrooms/1", headers: ["authorization": "Bearer eve!"]).status == 200)
  }

  @Test func onlyOwnersAndAdminsChangeARoom() async throws {
    let server = TestServer.tokens()
    let owner = ["authorization": "Bearer anna"]
    _ = try await server.call("POST", "/v1/chatrooms", body: #"{"name": "tea"}"#, headers: owner)
    let change = #"{"topic": "leaves", "name": null}"#
    let ben = try await server.call("PATCH", "/v1/chatrooms/1", body: change, headers: ["authorization": "Bearer ben"])
    #expect(ben.status == 403)
    let anna = try await server.call("PATCH", "/v1/chatrooms/1", body: change, headers: owner)
    #expect(anna.body["topic"]?.string == "leaves")
    #expect(anna.body["name"] == .null)
    let before = try await server.call("GET", "/v1/chatrooms/1", headers: owner)
    let deleted = try await server.call("DELETE", "/v1/chatrooms/1", headers: owner)
    #expect(deleted.status == 200)
    #expect(server.journal.committed.map(\.kind) == [.closure])
    #expect(deleted.body["event"]?.integer == server.journal.committed.last?.event)
    for member in ["id", "name", "topic", "kind", "members", "last_seq", "membership", "unread"] {
      #expect(deleted.body[member] == before.body[member], "\(member)")
    }
  }
}

@Suite struct MemberRouteTests {
  @Test func membersComeInThemselvesAndAreRemovedThroughTheJournal() async throws {
    let server = TestServer.tokens()
    let (anna, ben) = (["authorization": "Bearer anna"], ["authorization": "Bearer ben"])
    _ = try await server.call("POST", "/v1/chatrooms", headers: anna)
    #expect(try await server.call("GET", "/v1/users/ben", headers: ben).status == 200)
    #expect(try await server.call("PUT", "/v1/chatrooms/1/members/anna", headers: ben).status == 403)
    let put = try await server.call("PUT", "/v1/chatrooms/1/members/ben", headers: ben)
    #expect(put.body["role"]?.string == "member")
    let read = try await server.call("PUT", "/v1/chatrooms/1/read", body: #"{"seq": 99}"#, headers: ben)
    #expect(read.body["read_seq"]?.integer == 3)
    #expect(try await server.call("DELETE", "/v1/chatrooms/1/members/anna", headers: ben).status == 403)
    #expect(try await server.call("DELETE", "/v1/chatrooms/1/members/ben", headers: anna).status == 200)
    #expect(server.journal.committed.last?.message.user == "ben")
    #expect(server.journal.committed.last?.kind == .removal)
  }

  @Test func aDeletedUserLeavesTheirRoomsFirst() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    _ = try await server.call("POST", "/v1/chatrooms?user=John")
    #expect(try await server.call("DELETE", "/v1/users/John?messages=burn").status == 400)
    #expect(try await server.call("DELETE", "/v1/users/John").status == 200)
    #expect(server.journal.committed.map(\.kind) == [.removal])
    #expect(try await server.call("GET", "/v1/users/John").status == 404)
  }

  @Test func allUsersAreDeletedInOpenModeOnly() async throws {
    let open = TestServer()
    for name in ["John", "Jane"] { _ = try await open.call("POST", "/v1/users", body: #"{"name": "\#(name)"}"#) }
    #expect(try await open.call("DELETE", "/v1/users").status == 200)
    #expect(open.bus.published == [.usersDeleted(upTo: 2)])
    let tokens = TestServer.tokens()
    #expect(try await tokens.call("DELETE", "/v1/users", headers: ["authorization": "Bearer a!"]).status == 403)
  }

  @Test func usersAreMadeOnBothAddresses() async throws {
    let server = TestServer()
    let first = try await server.call("POST", "/v1/chatrooms/users", body: #"{"name": "John"}"#)
    #expect(first.body["name"]?.string == "John")
    let again = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    #expect(again.status == 409)
    #expect(try await server.call("POST", "/v1/users").parameter == "name")
  }
}

@Suite struct SocketRouteTests {
  @Test func whatIsWrongIsSaidBeforeTheHandshake() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    #expect(try await server.call("GET", "/v1/chatrooms/1/join", headers: handshake).status == 400)
    #expect(
      try await server.call("GET", "/v1/chatrooms/1/join?user=Nemo", headers: handshake).error == "user_not_found")
    _ = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    #expect(try await server.call("GET", "/v1/chatrooms/2/join?user=John", headers: handshake).status == 404)
    #expect(try await server.call("GET", "/v1/chatrooms/1/join?user=John").status == 426)
    #expect(try await TestServer.tokens().call("GET", "/v1/chatrooms/1/join", headers: handshake).status == 401)
  }

  @Test func joiningAPublicRoomMakesAMemberWhoIsPresent() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    _ = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    let reply = try await server.call("GET", "/v1/chatrooms/1/join?user=John&since=2&epoch=k0", headers: handshake)
    let upgrade = try #require(reply.upgrade)
    #expect(upgrade.format == .raw)
    #expect(upgrade.subprotocol == nil)
    #expect(upgrade.join?.since == 2)
    let users = try await server.call("GET", "/v1/chatrooms/1/users")
    #expect(users.body["users"]?.array?.compactMap(\.string) == ["John"])
    #expect(try await server.store.membership(room: 1, user: 1) != nil)
  }

  @Test(arguments: [
    ("since=2", 1_000, 1_000), ("since=0", 1_000, 1_000), ("since=2&limit=5", 5, 1_000), ("", 100, 100),
    ("limit=5", 5, 5),
  ])
  func whoResumesGetsAllThatWasMissed(query: String, v1: Int, raw: Int) async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    _ = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    let target = "/v1/chatrooms/1/join?user=John&\(query)"
    #expect(try await server.call("GET", target, headers: handshake).upgrade?.join?.limit == raw)
    var headers = handshake
    headers["sec-websocket-protocol"] = "palaver.v1"
    #expect(try await server.call("GET", target, headers: headers).upgrade?.join?.limit == v1)
  }

  @Test func theTokenInTheSubprotocolIsNotEchoed() async throws {
    let server = TestServer.tokens()
    var headers = handshake
    headers["sec-websocket-protocol"] = "palaver.v1, bearer.anna"
    let upgrade = try #require(try await server.call("GET", "/v1/connect", headers: headers).upgrade)
    #expect(upgrade.subprotocol == "palaver.v1")
    #expect(upgrade.user.name == "anna")
    #expect(upgrade.join == nil)
    headers["sec-websocket-protocol"] = "bearer.bad"
    #expect(try await server.call("GET", "/v1/connect", headers: headers).status == 401)
  }

  @Test func aServerThatStopsTakesNobodyIn() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/users", body: #"{"name": "John"}"#)
    server.phase.enter(.draining)
    let reply = try await server.call("GET", "/v1/connect?user=John", headers: handshake)
    #expect(reply.status == 503)
    #expect(reply.header("Retry-After") == "1")
  }
}

@Suite struct AuthenticationTests {
  @Test func openModeBehindAProxyIsRefused() async throws {
    let headers = ["x-forwarded-for": "203.0.113.7"]
    #expect(try await TestServer().call("GET", "/v1/chatrooms", headers: headers).status == 403)
    let allowed = TestServer(mode: { _ in .open(isAllowedAnywhere: true) })
    #expect(try await allowed.call("GET", "/v1/chatrooms", headers: headers).status == 200)
  }

  @Test func anAdminActsForOthersAndNobodyElseDoes() async throws {
    let server = TestServer.tokens()
    let anna = ["authorization": "bearer anna"]
    #expect(try await server.call("GET", "/v1/chatrooms", headers: anna).status == 200)
    let admin = try await server.call(
      "POST", "/v1/chatrooms?user=anna", body: #"{"kind": "private"}"#, headers: ["authorization": "Bearer root!"])
    #expect(admin.status == 200)
    let mine = try await server.call("GET", "/v1/chatrooms?member=me", headers: anna)
    #expect(mine.body["chatrooms"]?.array?.first?["membership"]?["role"]?.string == "owner")
    #expect(try await server.call("GET", "/v1/chatrooms?user=root", headers: anna).status == 403)
  }

  @Test func aRequestWithoutATokenIsAskedForOne() async throws {
    let reply = try await TestServer.tokens().call("GET", "/v1/chatrooms")
    #expect(reply.status == 401)
    #expect(reply.header("WWW-Authenticate") == "Bearer")
  }

  @Test func theTokenMayComeInTheAddress() async throws {
    #expect(try await TestServer.tokens().call("GET", "/v1/chatrooms?access_token=anna").status == 200)
  }
}

@Suite struct SearchRouteTests {
  @Test func aHitBringsItsMessageAndItsRoomsName() async throws {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms", body: #"{"name": "tea"}"#)
    let reply = try await server.call("GET", "/v1/search?q=message&room=1&tz=Europe/Berlin")
    #expect(reply.body["hits"]?.array?.first?["message"]?["id"]?.string == "1-2")
    #expect(reply.body["hits"]?.array?.first?["highlights"]?.compact == "[[0,7]]")
    #expect(reply.body["rooms"]?["1"]?["name"]?.string == "tea")
    #expect(reply.body["total"]?["relation"]?.string == "eq")
    #expect(reply.body["next"]?.string == "more")
    #expect(reply.body["complete"]?.boolean == true)
    #expect(reply.body["fresh_as_of"]?.integer == 5)
  }
}

@Suite struct MessageRouteTests {
  private func server() async throws -> TestServer {
    let server = TestServer()
    _ = try await server.call("POST", "/v1/chatrooms")
    for name in ["John", "Jane"] { _ = try await server.call("POST", "/v1/users", body: #"{"name": "\#(name)"}"#) }
    return server
  }

  @Test func theSameRefIsStoredOnce() async throws {
    let server = try await server()
    let path = "/v1/chatrooms/1/messages?user=John"
    let data = #"{"x":1,"y":12345678901234567890}"#
    let first = try await server.call("POST", path, body: #"{"text": "hi", "ref": "a", "data": \#(data)}"#)
    #expect(first.status == 201)
    #expect(first.body["seq"]?.integer == 4)
    #expect(first.body["data"]?.compact == data)
    let again = try await server.call("POST", path, body: #"{"text": "hi", "ref": "a"}"#)
    #expect(again.status == 200)
    #expect(again.body["seq"]?.integer == 4)
    let other = try await server.call("POST", path, body: #"{"text": "ho", "ref": "a"}"#)
    #expect(other.status == 409)
    #expect(other.error == "ref_conflict")
    #expect(try await server.store.membership(room: 1, user: 1) != nil)
  }

  @Test(arguments: [
    ("{}", "text"), (#"{"text": ""}"#, "text"), (#"{"text": 1}"#, "text"), (#"{"text": "a", "ref": ""}"#, "ref"),
    (#"{"text": "a", "data": []}"#, "data"), (#"{"text": "a", "reply_to": 0}"#, "reply_to"),
  ])
  func aMessageThatCannotBeNamesItsFault(body: String, parameter: String) async throws {
    let reply = try await server().call("POST", "/v1/chatrooms/1/messages?user=John", body: body)
    #expect(reply.status == 400)
    #expect(reply.parameter == parameter)
  }

  @Test func aPageHasItsMessagesOldestFirst() async throws {
    let server = try await server()
    let reply = try await server.call("GET", "/v1/chatrooms/1/messages?limit=2")
    #expect(reply.body["messages"]?.array?.compactMap { $0["seq"]?.integer } == [2, 3])
    #expect(reply.body["has_more_before"]?.boolean == true)
    #expect(reply.body["epoch"]?.string == "k0")
    for target in ["limit=201", "limit=0", "before=-1", "after=x", "around=99999999999999999999", "before=1&after=2"] {
      #expect(try await server.call("GET", "/v1/chatrooms/1/messages?\(target)").status == 400, "\(target)")
    }
  }

  @Test func onlyTheAuthorChangesAMessage() async throws {
    let server = try await server()
    let path = "/v1/chatrooms/1/messages/2"
    #expect(try await server.call("PATCH", "\(path)?user=Jane", body: #"{"text": "x"}"#).status == 403)
    let edited = try await server.call("PATCH", "\(path)?user=John", body: #"{"text": "x"}"#)
    #expect(edited.body["text"]?.string == "x")
    #expect(try await server.call("DELETE", "\(path)?user=John").status == 200)
    #expect(try await server.call("DELETE", "/v1/chatrooms/1/messages/nine?user=John").parameter == "seq")
    #expect(server.journal.committed.map(\.kind) == [.edit, .deletion])
  }
}
