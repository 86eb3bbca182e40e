import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

@Suite struct MessageDocumentTests {
  private func document(_ event: RoomEvent, isTextIndexed: Bool = true) throws -> (JSONValue, JSONValue) {
    var writer = JSONWriter()
    MessageDocument.appendBulkLines(of: event, isTextIndexed: isTextIndexed, to: &writer)
    let lines = writer.bytes.split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 2 && writer.bytes.last == UInt8(ascii: "\n"))
    return (try JSONValue(parsing: Array(lines[0])), try JSONValue(parsing: Array(lines[1])))
  }

  @Test func aMessageComesBackAsItWas() throws {
    var event = RoomEvent.sent(seq: 3, event: 5, "a \"quoted\"\nline \u{1} 😀").edited(
      event: 9, "new\n`x` @Bob http://a.B.org/")
    event.message.ref = "r-1"
    event.message.data = #"{"a":1.50,"a":[]}"#
    event.message.replyTo = 2
    let (action, source) = try document(event)
    #expect(action.compact == #"{"index":{"_id":"1|3","routing":"1","version":9,"version_type":"external"}}"#)
    #expect(MessageDocument.message(source) == event.message)
    #expect(source["has"]?.compact == #"["link","code","mention","edit"]"#)
    #expect(source["links"]?.compact == #"["a.b.org","b.org","org"]"#)
    #expect(source["public"]?.boolean == true)
  }

  @Test func aDeletionKeepsNothingOfTheContent() throws {
    var event = RoomEvent.sent(seq: 3, "secret @Bob")
    event.message.ref = "r"
    event.message.data = "{}"
    let (_, source) = try document(event.deleted(event: 4))
    #expect(!source.compact.contains("secret") && !source.compact.contains("Bob"))
    let message = try #require(MessageDocument.message(source))
    #expect(message.isDeleted && message.text.isEmpty && message.revised == 4 && message.event == 3)
  }

  @Test func aRefusedTextIsKeptWhereItIsNotAnalysed() throws {
    let event = RoomEvent.sent(seq: 3, "poison http://a.b")
    let (_, source) = try document(event, isTextIndexed: false)
    #expect(source["text"] == nil && source["links"] == nil)
    #expect(MessageDocument.message(source) == event.message)
  }

  @Test(arguments: ["null", "{}", "[]", #"{"room":1,"seq":0}"#, #"{"room":"x"}"#])
  func aDocumentThatIsNoneOfOursIsNoMessage(json: String) throws {
    #expect(MessageDocument.message(try JSONValue(parsing: json)) == nil)
  }

  @Test func hostsMentionsAndCodeAreFound() {
    let features = MessageFeatures(
      "@John: see https://user@Docs.Swift.org:80/x?y, (http://a.b) a@b.c `let x` @李雷！ ftp://no.org")
    #expect(features.links == ["docs.swift.org", "swift.org", "org", "a.b", "b"])
    #expect(
      features.mentions.contains("John") && features.mentions.contains("李雷！") && !features.mentions.contains("b.c"))
    #expect(features.hasCode)
    #expect(MessageFeatures("plain: `` http:// @ ://x") == MessageFeatures(""))
  }
}
