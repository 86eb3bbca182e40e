import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// `in:NAME` means every room of that name that the caller knows: the public one, and private ones of their own.
  @Suite struct NamedRoomSearchTests {
    @Test(arguments: Profile.available)
    func privateRoomsAreFoundByNameByTheirMembersAlone(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let chat = ChatClient(installation)
      let name = ChatClient.freshName("plans")
      let (anna, bert, carl) = (try chat.freshUser("anna"), try chat.freshUser("bert"), try chat.freshUser("carl"))
      func room(_ kind: JSONValue, by owner: String, with member: String? = nil) throws -> Int64 {
        let members = JSONValue.array([member].compactMap { $0.map(JSONValue.string) })
        let wish: JSONValue = ["kind": kind, "name": .string(name), "members": members]
        let reply = try installation.http().post("/v1/chatrooms?user=\(owner)", wish)
        #expect(reply.status == 200, "\(reply)")
        return reply["id"]?.integer ?? 0
      }
      try chat.send("said in public", to: try room("public", by: carl), as: carl)
      try chat.send("said to bert", to: try room("private", by: anna, with: bert), as: anna)
      try chat.send("said to nobody", to: try room("private", by: anna), as: anna)
      let closed = try room("private", by: anna)
      try chat.send("said and gone", to: closed, as: anna)
      let deletion = try installation.http().request("DELETE", "/v1/chatrooms/\(closed)?user=\(anna)")
      #expect(deletion.status == 200, "\(deletion)")

      func found(by user: String, _ query: String) throws -> Set<String> {
        let hits = try chat.search(query, "&user=\(user)")["hits"]?.array ?? []
        return Set(hits.compactMap { $0["message"]?["text"]?.string })
      }
      for query in ["in:\(name)", "said in:\(name)", "in:\(name) OR in:\(name)"] {
        #expect(
          try found(by: anna, query).isSuperset(of: ["said in public", "said to bert", "said to nobody"]), "\(query)")
        #expect(try found(by: bert, query) == ["said in public", "said to bert"], "\(query)")
        #expect(try found(by: carl, query) == ["said in public"], "\(query)")
      }
      #expect(try found(by: anna, "in:\(name)").contains("said and gone") == false)
      #expect(try found(by: bert, "said -in:\(name)").isDisjoint(with: ["said in public", "said to bert"]))
      #expect(try chat.search("in:\(name)")["hits"]?.array?.count == 1)
    }
  }
}
