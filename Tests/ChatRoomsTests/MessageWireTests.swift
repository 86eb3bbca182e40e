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
}
