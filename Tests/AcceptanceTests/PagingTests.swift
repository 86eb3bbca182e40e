import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// History over HTTP is what was sent, whichever way it is paged.
  @Suite struct PagingTests {
    @Test(arguments: Profile.available)
    func everyPageEqualsWhatWasSent(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      let count: Int64 = 230
      for index in 1...count { try first.send("message \(index)", to: room, as: user) }
      let deleted: Set<Int64> = [1, 2, 77, 78, 79, 230]
      for seq in deleted { try first.expect(first.delete(seq, in: room, as: user), 200) }
      try first.expect(first.edit(100, "changed", in: room, as: user), 200)
      let present = (1...count).filter { !deleted.contains($0) }

      let all = try second.history(of: room)
      #expect(all.map { $0["seq"]?.integer } == present)
      for message in all {
        let seq = message["seq"]?.integer ?? 0
        #expect(message["text"]?.string == (seq == 100 ? "changed" : "message \(seq)"))
        #expect(message["event"]?.integer == seq && message["room"]?.integer == room)
        #expect(message["revised"]?.integer ?? 0 >= seq)
      }
      #expect(try backward(second, room) == present)
      for seq in [1, 2, 3, 77, 78, 100, 229, 230, 231, 1_000] as [Int64] {
        try check(second, room, "before=\(seq)&limit=10", present.filter { $0 < seq }.suffix(10), of: present)
        try check(second, room, "after=\(seq)&limit=10", present.filter { $0 > seq }.prefix(10), of: present)
        try checkAround(second, room, seq, present)
      }
      try check(second, room, "", present.suffix(50), of: present)
      try check(second, room, "limit=200", present.suffix(200), of: present)
      try check(second, room, "limit=1", present.suffix(1), of: present)
    }

    private func backward(_ chat: ChatClient, _ room: Int64) throws -> [Int64] {
      var seqs: [Int64] = []
      while true {
        let page = try chat.page(room, "limit=37" + (seqs.first.map { "&before=\($0)" } ?? ""))
        seqs = self.seqs(page) + seqs
        if page["has_more_before"]?.boolean != true { return seqs }
      }
    }

    private func seqs(_ page: HTTPTestResponse) -> [Int64] {
      page["messages"]?.array?.compactMap { $0["seq"]?.integer } ?? []
    }

    private func check(
      _ chat: ChatClient, _ room: Int64, _ query: String, _ expected: ArraySlice<Int64>, of present: [Int64]
    ) throws {
      let page = try chat.page(room, query)
      let seqs = seqs(page)
      #expect(seqs == Array(expected), "\(query)")
      #expect(page["epoch"]?.string?.isEmpty == false)
      guard let oldest = expected.first, let newest = expected.last else { return }
      #expect(page["has_more_before"]?.boolean == present.contains { $0 < oldest }, "\(query)")
      #expect(page["has_more_after"]?.boolean == present.contains { $0 > newest }, "\(query)")
    }

    /// Dense around the position, on both sides of it where there is something.
    private func checkAround(_ chat: ChatClient, _ room: Int64, _ seq: Int64, _ present: [Int64]) throws {
      let page = try chat.page(room, "around=\(seq)&limit=11")
      let seqs = seqs(page)
      let lower = try found(seqs.first, "around=\(seq): \(page)")
      let upper = try found(seqs.last, "around=\(seq): \(page)")
      #expect(seqs == present.filter { $0 >= lower && $0 <= upper }, "around=\(seq)")
      #expect(seqs.count <= 11)
      if present.contains(seq) { #expect(seqs.contains(seq)) }
      if let older = present.last(where: { $0 < seq }) { #expect(seqs.contains(older), "around=\(seq)") }
      if let newer = present.first(where: { $0 > seq }) { #expect(seqs.contains(newer), "around=\(seq)") }
      #expect(page["has_more_before"]?.boolean == present.contains { $0 < lower }, "around=\(seq)")
      #expect(page["has_more_after"]?.boolean == present.contains { $0 > upper }, "around=\(seq)")
    }

    @Test(arguments: Profile.available)
    func anEmptyRoomHasNoPages(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let room = try chat.makeRoom()
      for query in ["", "before=5", "after=0", "around=3"] {
        let page = try chat.page(room, query)
        #expect(page["messages"]?.array?.isEmpty == true, "\(query)")
        #expect(page["has_more_before"]?.boolean == false && page["has_more_after"]?.boolean == false, "\(query)")
      }
    }

    @Test(arguments: Profile.available)
    func deletingTwiceIsFineAndOnlyTheAuthorOrOwnerMay(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let owner = try chat.freshUser("owner")
      let author = try chat.freshUser("author")
      let other = try chat.freshUser("other")
      let made = try chat.http.post("/v1/chatrooms?user=\(owner)")
      let room = try found(made["id"]?.integer, "\(made)")
      for index in 1...2 { try chat.send("message \(index)", to: room, as: author) }
      #expect(try chat.edit(1, "stolen", in: room, as: other).status == 403)
      #expect(try chat.delete(1, in: room, as: other).status == 403)
      let edited = try chat.edit(1, "changed", in: room, as: author)
      #expect(
        edited.status == 200 && edited["text"]?.string == "changed" && edited["revised"]?.integer == 3, "\(edited)")
      for _ in 0..<2 { try chat.expect(chat.delete(1, in: room, as: author), 200) }
      try chat.expect(chat.delete(2, in: room, as: owner), 200)
      #expect(try chat.edit(1, "back", in: room, as: author).status == 404)
      #expect(try chat.history(of: room).isEmpty)
      let state = try chat.http.get("/v1/chatrooms/\(room)")
      #expect(state["last_event"]?.integer == 5 && state["last_seq"]?.integer == 2, "\(state)")
    }
  }
}
