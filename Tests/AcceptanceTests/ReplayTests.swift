import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Joining and resuming: history, then live, without a gap and without doubles.
  @Suite struct ReplayTests {
    @Test(arguments: Profile.available)
    func aJoinPlaysTheNewestMessagesAndGoesOnLive(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      for index in 1...5 { try first.send("message \(index)", to: room, as: user) }

      let client = try second.join(room, as: user, "&limit=3")
      #expect(client.handshake.header("sec-websocket-protocol") == "palaver.v1")
      let (ready, frames, through) = try client.receiveReplay()
      #expect(ready["room"]?.integer == room)
      #expect(ready["epoch"]?.string?.isEmpty == false)
      #expect(ready["last_event"]?.integer == 5)
      #expect(ready["last_seq"]?.integer == 5)
      #expect(frames.map { $0["seq"]?.integer } == [3, 4, 5])
      #expect(frames.allSatisfy { $0["type"]?.string == "message" })
      #expect(through == 5)

      try first.send("live", to: room, as: user)
      let live = try client.next("message")
      #expect(live["event"]?.integer == 6)
      #expect(live["text"]?.string == "live")
      #expect(live["id"]?.string == "\(room)-6")
      client.drop()
    }

    @Test(arguments: Profile.available)
    func resumingGivesOneFrameForEachMessageTouched(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      for index in 1...4 { try first.send("old \(index)", to: room, as: user) }
      // Events 5 … 12 happen while nobody is there.
      try first.expect(first.edit(1, "one, changed", in: room, as: user), 200)
      try first.expect(first.delete(2, in: room, as: user), 200)
      try second.send("new 5", to: room, as: user)
      try second.send("new 6", to: room, as: user)
      try second.expect(second.edit(5, "five, changed", in: room, as: user), 200)
      try second.expect(second.delete(6, in: room, as: user), 200)
      try first.expect(first.edit(3, "three, changed", in: room, as: user), 200)
      try first.expect(first.edit(1, "one, changed twice", in: room, as: user), 200)

      let client = try second.join(room, as: user, "&since=4")
      let (ready, frames, through) = try client.receiveReplay()
      #expect(ready["complete"]?.boolean == true)
      #expect(ready["since"]?.integer == 4)
      #expect(ready["last_event"]?.integer == 12)
      let seen = frames.map { "\($0["type"]?.string ?? "") \($0["event"]?.integer ?? 0) \($0["seq"]?.integer ?? 0)" }
      #expect(seen == ["deleted 6 2", "message 7 5", "edited 11 3", "edited 12 1"])
      #expect(frames[1]["text"]?.string == "five, changed")
      #expect(frames[1]["revised"]?.integer == 9)
      #expect(frames[3]["text"]?.string == "one, changed twice")
      #expect(frames[3]["edited_at"]?.integer != nil)
      #expect(through == 12)
      client.drop()
    }

    @Test(arguments: Profile.available)
    func everyResumePointLeadsToTheSameView(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      let watcher = try first.join(room, as: user)
      var view = ChatView(room: room)
      while !view.isLive { try view.apply(try watcher.receiveJSON()) }
      var snapshots = [view]
      var random = SplitMix64(seed: 7)
      for step in 1...40 {
        let seq = Int64.random(in: 1...max(1, view.messages.keys.max() ?? 1), using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where view.messages[seq] != nil:
          try first.expect(first.edit(seq, "edit \(step)", in: room, as: user), 200)
        case 1 where view.messages[seq] != nil: try first.expect(first.delete(seq, in: room, as: user), 200)
        default: try first.send("message \(step)", to: room, as: user)
        }
        while view.lastEvent < step { try view.apply(try watcher.receiveJSON()) }
        snapshots.append(view)
      }
      watcher.drop()
      for var stale in snapshots {
        stale.reconnect()
        let client = try second.join(room, as: user, stale.resumeTarget)
        while !stale.isLive { try stale.apply(try client.receiveJSON()) }
        #expect(stale.messages == view.messages)
        client.drop()
      }
    }

    @Test(arguments: Profile.available)
    func aClientTooFarBehindIsToldToForget(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      for index in 1...12 { try chat.send("message \(index)", to: room, as: user) }

      let behind = try chat.join(room, as: user, "&since=2&limit=5")
      let (ready, frames, _) = try behind.receiveReplay()
      #expect(ready["complete"]?.boolean == false)
      #expect(ready["reset"]?.boolean != true)
      #expect(frames.map { $0["seq"]?.integer } == [8, 9, 10, 11, 12])
      try behind.send(["type": "history", "ref": "h1", "before": 8, "limit": 4])
      let page = try behind.next("history", ref: "h1")
      #expect(page["messages"]?.array?.map { $0["seq"]?.integer } == [4, 5, 6, 7])
      #expect(page["has_more_before"]?.boolean == true)
      #expect(page["has_more_after"]?.boolean == true)
      behind.drop()

      for target in ["&since=2&epoch=another", "&since=13"] {
        let lost = try chat.join(room, as: user, target)
        let (ready, frames, _) = try lost.receiveReplay()
        #expect(ready["complete"]?.boolean == false, "\(target)")
        #expect(ready["reset"]?.boolean == true, "\(target)")
        #expect(frames.count == 12)
        lost.drop()
      }
    }

    @Test(arguments: Profile.available)
    func aRawJoinResumesToo(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      for index in 1...103 { try first.send("message \(index)", to: room, as: user) }
      try first.expect(first.edit(50, "changed", in: room, as: user), 200)
      try first.expect(first.delete(51, in: room, as: user), 200)

      let whole = try second.joinRaw(room, as: user)
      let newest = try whole.receiveRaw(100)
      #expect(newest.first?["seq"]?.integer == 3 || newest.first?["seq"]?.integer == 4)
      #expect(newest.last?["seq"]?.integer == 103)
      #expect(newest.first { $0["seq"]?.integer == 50 }?["message"]?.string == "changed")
      #expect(!newest.contains { $0["seq"]?.integer == 51 })
      whole.drop()

      let resumed = try second.joinRaw(room, as: user, "&since=100")
      #expect(try resumed.receiveRaw(3).map { $0["seq"]?.integer } == [101, 102, 103])
      try first.send("live", to: room, as: user)
      #expect(try resumed.receiveJSON()["message"]?.string == "live")
      resumed.drop()
    }
  }
}
