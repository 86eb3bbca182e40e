import Drivers
import Testing

@testable import ChatRooms

@Suite struct MessageWireTests {
  @Test func aFrameCarriesItsLengthInTheShortestForm() {
    #expect(WebSocketFrame(payload: Array(repeating: 0x61, count: 125)).bytes.prefix(2) == [0x81, 125])
    #expect(WebSocketFrame(payload: Array(repeating: 0x61, count: 126)).bytes.prefix(4) == [0x81, 126, 0, 126])
    #expect(
      WebSocketFrame(payload: Array(repeating: 0x61, count: 65_536)).bytes.prefix(10)
        == [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  @Test func anEditedFrameCarriesTheChangeAsItsEvent() throws {
    let message = Message(
      room: 1, seq: 2, event: 3, revised: 9, user: "John", userID: 1, text: "hi", timestamp: 5, editedAt: 6)
    let frame = MessageWire.editedFrame(message)
    let value = try JSONValue(parsing: Array(frame.bytes.dropFirst(4)))
    #expect(value["event"]?.integer == 9)
    #expect(value["type"]?.string == "edited")
  }

  private static let odd = [
    Message(room: 1, seq: 1, event: 1, revised: 1, user: "u", userID: 1, text: "", timestamp: 0, isDeleted: true),
    Message(
      room: .max, seq: .max, event: .max, revised: .max, user: "Zoë \"the\" \\", userID: .max,
      text: "line\nbreak \u{1}\u{1F}\t \u{1F600} e\u{301} </script>", timestamp: .max, ref: "~!\"\\",
      data: #"{"a":[1,2.50,{"b":"}\"]"}],"seq":7}"#, replyTo: 3, editedAt: 1),
    Message(
      room: 1, seq: 2, event: 3, revised: 4, user: "u", userID: 1, text: String(repeating: "long ", count: 3_000),
      timestamp: -1),
  ]

  /// What is kept of a message is its object alone.
  @Test(arguments: odd) func aMessageComesBackOutOfItsObject(message: Message) throws {
    #expect(try MessageWire.message(MessageWire.object(message), isDeleted: message.isDeleted) == message)
  }

  @Test(arguments: odd) func framesOfAnObjectAreThoseOfTheMessage(message: Message) {
    let object = MessageWire.object(message)[...]
    var run = WebSocketFrame.Run(capacity: 0)
    #expect(run.frame == nil)
    MessageWire.appendMessageFrame(of: object, to: &run)
    MessageWire.appendRawFrame(of: object, to: &run)
    #expect(run.frame?.bytes == MessageWire.messageFrame(message).bytes + MessageWire.rawFrame(message).bytes)
    #expect(run.frame?.count == 2)
  }
}
