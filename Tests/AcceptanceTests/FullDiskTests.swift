import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// A reserve that no disk has stands for a disk that is nearly full.
  @Suite(.serialized) struct FullDiskTests {
    @Test func sendersAreToldToComeAgainBeforeTheDiskIsFull() throws {
      let installation = try Installation(.embedded, environment: ["PALAVER_DISK_RESERVE": "1000000T"])
      defer { installation.remove() }
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      let deadline = ContinuousClock.now + .seconds(20)
      var reply = try chat.post("hi", to: room, as: user)
      while reply.status == 201, ContinuousClock.now < deadline { reply = try chat.post("hi", to: room, as: user) }
      #expect(reply.status == 503 && reply["error"]?.string == "unavailable", "\(reply)")
      #expect(reply["retry_after_ms"]?.integer != nil && reply.header("Retry-After") != nil, "\(reply)")

      let socket = try chat.join(room, as: user)
      try socket.send(#"{"type": "send", "text": "hi", "ref": "r"}"#)
      var frame = try socket.receiveJSON()
      while frame["type"]?.string != "error" { frame = try socket.receiveJSON() }
      #expect(frame["error"]?.string == "unavailable" && frame["ref"]?.string == "r", "\(frame)")
      #expect(frame["retry_after_ms"]?.integer != nil, "\(frame)")

      let raw = try chat.joinRaw(room, as: user)
      try raw.send("hi")
      #expect(try raw.receiveClose() == 1013)

      #expect(try chat.http.get("/metrics").text.contains(#"palaver_backpressure{reason="disk"} 1.0"#))
      #expect(installation.process().logText.contains("messages are refused: the journal is full"))
    }
  }
}
