import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Pages of a room that is asked for again and again come from memory, and are as true as those from the stores.
  @Suite struct WarmPageTests {
    private func texts(_ page: HTTPTestResponse) -> [String] {
      page["messages"]?.array?.compactMap { $0["text"]?.string } ?? []
    }

    @Test(arguments: Profile.available)
    func whatWasAcknowledgedIsInTheNextPage(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      for index in 1...5 { try chat.send("message \(index)", to: room, as: user) }
      for _ in 0..<3 { _ = try chat.page(room) }
      for index in Int64(6)...25 {
        try chat.send("message \(index)", to: room, as: user)
        #expect(try texts(chat.page(room, "limit=1")) == ["message \(index)"])
        try chat.expect(chat.edit(index, "changed \(index)", in: room, as: user), 200)
        #expect(try texts(chat.page(room, "limit=2")).last == "changed \(index)")
        try chat.expect(chat.delete(index - 1, in: room, as: user), 200)
        #expect(try !texts(chat.page(room)).contains { $0.hasSuffix(" \(index - 1)") })
      }
    }

    @Test(arguments: Profile.available)
    func whoIsRemovedReadsNoMore(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let (owner, member) = (try chat.freshUser("owner"), try chat.freshUser("member"))
      let made = try chat.http.post(
        "/v1/chatrooms?user=\(owner)", ["kind": "private", "members": [.string(member)]] as JSONValue)
      let room = try found(made["id"]?.integer, "\(made)")
      try chat.send("secret", to: room, as: owner)
      for _ in 0..<5 { #expect(try texts(chat.page(room, "user=\(member)")) == ["secret"]) }
      let removed = try chat.http.request("DELETE", "/v1/chatrooms/\(room)/members/\(member)?user=\(owner)")
      #expect(removed.status < 300)
      #expect(try chat.http.get("/v1/chatrooms/\(room)/messages?user=\(member)").status == 404)
      #expect(try texts(chat.page(room, "user=\(owner)")) == ["secret"])
    }

    @Test(arguments: Profile.available)
    func whoHasThePageIsToldSo(profile: Profile) throws {
      var chat = ChatClient(try Servers.shared(profile))
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      try chat.send("one", to: room, as: user)
      let page = try chat.page(room)
      let tag = try found(page.header("ETag"), "\(page)")
      chat.http.headers = [("If-None-Match", tag)]
      let same = try chat.http.get("/v1/chatrooms/\(room)/messages")
      #expect(same.status == 304 && same.body.isEmpty && same.header("ETag") == tag)
      try chat.send("two", to: room, as: user)
      let other = try chat.page(room)
      #expect(texts(other) == ["one", "two"] && other.header("ETag") != tag)
    }
  }
}
