import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Each error: status, word, parameter, request id.
  @Suite struct ErrorTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
      var method: String
      var target: String
      var body: String?
      var status: Int
      var word: String?
      var parameter: String?

      init(_ method: String, _ target: String, _ status: Int, _ word: String? = nil, parameter: String? = nil) {
        (self.method, self.target, self.status) = (method, target, status)
        (self.word, self.parameter) = (word, parameter)
      }

      init(
        _ method: String, _ target: String, _ body: String, _ status: Int, _ word: String? = nil,
        parameter: String? = nil
      ) {
        self.init(method, target, status, word, parameter: parameter)
        self.body = body
      }

      var testDescription: String { "\(method) \(target.prefix(80)) \(body?.prefix(60) ?? "")" }
    }

    /// `ROOM` and `USER` stand for a room and a user that exist.
    static let wrong: [Wrong] = [
      Wrong("GET", "/nowhere", 404),
      Wrong("GET", "/v1/nowhere", 404),
      Wrong("GET", "/v1/chatrooms/999999999", 404, "room_not_found"),
      Wrong("GET", "/v1/chatrooms/abc", 400),
      Wrong("GET", "/v1/chatrooms/-1", 400),
      Wrong("GET", "/v1/chatrooms/0", 400),
      Wrong("GET", "/v1/chatrooms/99999999999999999999", 400),
      Wrong("GET", "/v1/chatrooms/1.5", 400),
      Wrong("GET", "/v1/chatrooms/%31%00", 400),
      Wrong("GET", "/v1/chatrooms/abc/users", 400),
      Wrong("GET", "/v1/chatrooms/999999999/users", 404, "room_not_found"),
      Wrong("GET", "/v1/chatrooms/999999999/messages", 404, "room_not_found"),
      Wrong("GET", "/v1/chatrooms/999999999/members", 404, "room_not_found"),
      Wrong("GET", "/v1/chatrooms?limit=0", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms?limit=x", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms?limit=99999999999999999999", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?limit=0", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?limit=201", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?limit=-9223372036854775808", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?before=-1", 400, "invalid_before", parameter: "before"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?after=x", 400, "invalid_after", parameter: "after"),
      Wrong(
        "GET", "/v1/chatrooms/ROOM/messages?around=9223372036854775808", 400, "invalid_around", parameter: "around"),
      Wrong("GET", "/v1/chatrooms/ROOM/messages?before=1&after=1", 400),
      Wrong("POST", "/v1/chatrooms", "{", 400),
      Wrong("POST", "/v1/chatrooms", "[]", 400),
      Wrong("POST", "/v1/chatrooms", "\"x\"", 400),
      Wrong("POST", "/v1/chatrooms", #"{"name":7}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/chatrooms", #"{"name":""}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/chatrooms", #"{"kind":"secret"}"#, 400, parameter: "kind"),
      Wrong("POST", "/v1/chatrooms?user=USER", #"{"members":["nobody at all"]}"#, 404, "user_not_found"),
      Wrong("POST", "/v1/users", #"{}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/users", #"{"name":""}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/users", #"{"name":"a\u0000b"}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/users", #"{"name":"tab\t"}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/users", #"{"name":["x"]}"#, 400, parameter: "name"),
      Wrong(
        "POST", "/v1/users", #"{"name":"\#(String(repeating: "n", count: 65))"}"#, 400, parameter: "name"),
      Wrong("POST", "/v1/users", #"{"name":"USER"}"#, 409, "user_exists"),
      Wrong("GET", "/v1/users/nobody%20at%20all", 404, "user_not_found"),
      Wrong("DELETE", "/v1/users/USER?messages=burn", 400, parameter: "messages"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{}"#, 400, parameter: "text"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":""}"#, 400, parameter: "text"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":1}"#, 400, parameter: "text"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":"x","data":[]}"#, 400, parameter: "data"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":"x","reply_to":0}"#, 400, parameter: "reply_to"),
      Wrong("POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":"x","reply_to":9}"#, 400, parameter: "reply_to"),
      Wrong(
        "POST", "/v1/chatrooms/ROOM/messages?user=USER",
        #"{"text":"x","data":{"d":"\#(String(repeating: "d", count: 4_096))"}}"#, 400, parameter: "data"),
      Wrong(
        "POST", "/v1/chatrooms/ROOM/messages?user=USER", #"{"text":"\#(String(repeating: "t", count: 16_385))"}"#, 400,
        parameter: "text"),
      Wrong("POST", "/v1/chatrooms/999999999/messages?user=USER", #"{"text":"x"}"#, 404, "room_not_found"),
      Wrong("PATCH", "/v1/chatrooms/ROOM/messages/999?user=USER", #"{"text":"x"}"#, 404, "message_not_found"),
      Wrong("PATCH", "/v1/chatrooms/ROOM/messages/-1?user=USER", #"{"text":"x"}"#, 400),
      Wrong("DELETE", "/v1/chatrooms/ROOM/messages/999?user=USER", 404, "message_not_found"),
      Wrong("PUT", "/v1/chatrooms/ROOM/read?user=USER", #"{"seq":-1}"#, 400, parameter: "seq"),
      Wrong("PUT", "/v1/chatrooms/ROOM/read?user=USER", #"{"seq":"1"}"#, 400, parameter: "seq"),
      Wrong("PUT", "/v1/chatrooms/ROOM/members/nobody%20at%20all?user=USER", 404, "user_not_found"),
      Wrong("GET", "/v1/search?q=x&limit=101", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/search?q=x&limit=0", 400, "invalid_limit", parameter: "limit"),
      Wrong("GET", "/v1/search?q=x&sort=best", 400, "invalid_sort", parameter: "sort"),
      Wrong("GET", "/v1/search?q=x&cursor=forged", 400, "invalid_cursor", parameter: "cursor"),
      Wrong("GET", "/v1/search?q=x&room=abc", 400, parameter: "room"),
      Wrong("GET", "/v1/search?q=x&tz=Nowhere/City", 400, "invalid_tz", parameter: "tz"),
      Wrong("GET", "/v1/search?q=" + String(repeating: "x", count: 1_001), 400, parameter: "q"),
      Wrong("PUT", "/v1/chatrooms", "{}", 405),
      Wrong("POST", "/v1/search", "{}", 405),
      Wrong("PATCH", "/v1/chatrooms/ROOM/users", "{}", 405),
      Wrong("DELETE", "/healthz", 405),
    ]

    @Test(arguments: Profile.available, wrong)
    func aMistakeIsNamed(profile: Profile, wrong: Wrong) throws {
      let fixture = try Self.fixture(profile)
      let reply = try fixture.chat.http.request(
        wrong.method, fixture.fill(wrong.target), body: wrong.body.map { Array(fixture.fill($0).utf8) })
      #expect(reply.status == wrong.status, "\(reply)")
      #expect(reply["code"]?.integer == Int64(wrong.status), "\(reply)")
      #expect(reply["message"]?.string?.isEmpty == false, "\(reply)")
      if let word = wrong.word { #expect(reply["error"]?.string == word, "\(reply)") }
      if let parameter = wrong.parameter { #expect(reply["parameter"]?.string == parameter, "\(reply)") }
      #expect(reply["error"]?.string?.isEmpty == false, "\(reply)")
      #expect(reply.header("X-Request-Id")?.isEmpty == false)
      #expect(reply["request_id"]?.string == reply.header("X-Request-Id"), "\(reply)")
      #expect(reply.header("Content-Type")?.hasPrefix("application/json") == true)
      if wrong.status == 405 { #expect(reply.header("Allow")?.isEmpty == false) }
    }

    private struct Fixture {
      var chat: ChatClient
      var room: Int64
      var user: String

      func fill(_ text: String) -> String {
        text.replacing("ROOM", with: "\(room)").replacing("USER", with: user)
      }
    }

    private static func fixture(_ profile: Profile) throws -> Fixture {
      let chat = ChatClient(try Servers.shared(profile))
      return Fixture(chat: chat, room: try chat.makeRoom(), user: try chat.freshUser())
    }

    @Test(arguments: Profile.available)
    func everyReplyCarriesItsRequestID(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      for target in ["/healthz", "/readyz", "/metrics", "/v1/chatrooms", "/v1/nowhere", "/v1/search?q="] {
        let reply = try chat.http.get(target)
        #expect(reply.header("X-Request-Id")?.isEmpty == false, "\(target)")
      }
      let ids = try (0..<5).map { _ in try chat.http.get("/healthz").header("X-Request-Id") }
      #expect(Set(ids).count == 5)
    }

    @Test(arguments: Profile.available)
    func aJoinIsRefusedBeforeTheHandshake(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      let cases: [(room: String, query: String, status: Int)] = [
        ("abc", "user=\(user)", 400), ("999999999", "user=\(user)", 404), ("\(room)", "user=nobody%20at%20all", 404),
        ("\(room)", "", 400), ("\(room)", "user=", 400), ("\(room)", "user=\(user)&since=-1", 400),
        ("\(room)", "user=\(user)&since=9223372036854775808", 400), ("\(room)", "user=\(user)&limit=1001", 400),
        ("\(room)", "user=\(user)&limit=0", 400),
      ]
      for (room, query, status) in cases {
        let refused = try #require(throws: HandshakeRefused.self, "\(room) \(query)") {
          try WebSocketClient(port: chat.http.port, "/v1/chatrooms/\(room)/join?\(query)")
        }
        // Without a name the caller is unknown: 400 and 401 both say so.
        let isFine = refused.response.status == status || (query.isEmpty && refused.response.status == 401)
        #expect(isFine, "\(room) \(query): \(refused)")
      }
      let plain = try chat.http.get("/v1/chatrooms/\(room)/join?user=\(user)")
      #expect((400..<500).contains(plain.status), "\(plain)")
    }
  }
}
