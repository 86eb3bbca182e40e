import ChatRooms
import Testing

@testable import server

@Suite struct RequestTargetTests {
  @Test(arguments: [
    ("/v1/chatrooms/7", ["v1", "chatrooms", "7"]), ("/", []), ("/v1/users/", ["v1", "users"]),
    ("/v1/users/J%C3%B6rg%2F1", ["v1", "users", "Jörg/1"]), ("/a+b", ["a+b"]), ("http://host:1/v1/x?y", ["v1", "x"]),
    ("//x", ["", "x"]), ("*", []), ("http://host", []),
  ])
  func takesPathsApart(target: String, path: [String]) throws {
    #expect(try RequestTarget(Array(target.utf8)).path == path)
  }

  @Test func takesQueriesApartInTheirOrder() throws {
    let target = try RequestTarget(Array("/s?q=a+b%26&room=1&room=2&flag&=x&&e=1=2".utf8))
    #expect(target.query.map { "\($0.name):\($0.value)" } == ["q:a b&", "room:1", "room:2", "flag:", ":x", "e:1=2"])
  }

  @Test(arguments: ["/%", "/%4", "/%zz", "/%C3", "/?q=%FF", "/x?a=%ED%A0%80"])
  func refusesBrokenEscapesAndWhatIsNotUTF8(target: String) {
    #expect(throws: ChatError.self) { try RequestTarget(Array(target.utf8)) }
  }

  @Test(arguments: ["-1", "+1", "0x10", " 1", "", "1,1", "١"])
  func refusesContentLengthsThatAreNoNumbers(length: String) {
    #expect(HTTPExchange.refusal(of: ["content-length": length])?.status == 400)
  }

  @Test(arguments: ["8388609", "9223372036854775808", "99999999999999999999999999"])
  func refusesContentLengthsThatAreNotWorthReading(length: String) {
    #expect(HTTPExchange.refusal(of: ["content-length": length])?.status == 413)
    #expect(HTTPExchange.refusal(of: ["content-length": "8388608"]) == nil, "read, dropped and answered then")
  }

  @Test func refusesAtOnceWhatTheClientHoldsBack() {
    let expectation = ["content-length": "1048577", "expect": "100-Continue"]
    #expect(HTTPExchange.refusal(of: expectation)?.status == 413)
    #expect(HTTPExchange.refusal(of: ["content-length": "1048576", "expect": "100-continue"]) == nil)
  }

  @Test func takesSaneRequestIDsAndMintsOthers() {
    #expect(RequestID.choose("abc-1.2_3") == "abc-1.2_3")
    for offered in [nil, "", "a b", "a\"b", "ä", String(repeating: "x", count: 65)] {
      #expect(RequestID.choose(offered).utf8.count == 16)
    }
  }
}
