import Drivers
import Testing

@testable import Bench

@Suite struct WireTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  // Spans do not go through the testing macros: these take arrays.
  private func event(_ payload: [UInt8]) -> EventFrame? { EventFrame(payload.span) }

  private func frame(_ stream: [UInt8], from start: Int) throws -> ServerFrame? {
    try ServerFrame.next(in: stream.span, from: start)
  }

  private func head(_ reply: [UInt8]) throws -> HTTPReplyHead? { try HTTPReplyHead.next(in: reply.span, from: 0) }

  private func integer(_ name: StaticString, _ json: [UInt8]) -> Int64? {
    JSONScanner.member(name, in: json.span).flatMap { JSONScanner.integer(in: json.span, at: $0) }
  }

  @Test func aServersFramesAreCutWhereverTheyEnd() throws {
    let long = [UInt8](repeating: 0x61, count: 70_000)
    let stream =
      [0x81, 2, 0x7B, 0x7D] + [0x89, 0] + [0x81, 126, 0, 200] + long.prefix(200)
      + [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70] + long + [0x88, 2, 0x03, 0xE8]
    var frames: [ServerFrame] = []
    var offset = 0
    while let frame = try frame(stream, from: offset) {
      // No part of a frame counts as one.
      for end in [offset + 1, frame.payload.lowerBound, frame.payload.upperBound - 1]
      where end < frame.payload.upperBound {
        let part = try self.frame(Array(stream[..<end]), from: offset)
        #expect(part == nil)
      }
      frames.append(frame)
      offset = frame.payload.upperBound
    }
    #expect(offset == stream.count)
    #expect(frames.map(\.payload.count) == [2, 0, 200, 70_000, 2])
    #expect(frames.map(\.opcode) == [.text, .ping, .text, .text, .close])
  }

  @Test(arguments: [[0x01, 0x00], [0x82, 0x00], [0x81, 0x80], [0xC1, 0x00], [0x48, 0x54]] as [[UInt8]])
  func whatIsNoFrameOfTheServersIsRefused(start: [UInt8]) {
    #expect(throws: Breach.self) { try frame(start, from: 0) }
  }

  @Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
  func aClientsFrameIsMasked(size: Int) {
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    var frame: [UInt8] = []
    ClientFrame.append(.text, payload, mask: 0x0102_0304, to: &frame)
    let header = size < 126 ? 2 : size < 65_536 ? 4 : 10
    #expect(frame[0] == 0x81 && frame[1] & 0x80 != 0)
    #expect(Array(frame[header..<header + 4]) == [1, 2, 3, 4])
    let unmasked = frame[(header + 4)...].enumerated().map { $1 ^ UInt8($0 % 4 + 1) }
    #expect(unmasked == payload)
  }

  @Test func membersAreFoundBehindValuesOfEveryKind() {
    let json = bytes(
      #"{ "a" : {"x":[1,{"y":"}"}]}, "s":"\\\"}", "n":-12 , "list":[1, [2], "]"], "t":true, "retry_after_ms":5}"#)
    #expect(integer("n", json) == -12)
    #expect(integer("retry_after_ms", json) == 5)
    #expect(integer("x", json) == nil)
    let isTrue = JSONScanner.member("t", in: json.span).map { JSONScanner.isTrue(in: json.span, at: $0) }
    #expect(isTrue == true)
    var items = JSONScanner.member("list", in: json.span).flatMap { ItemCursor(in: json.span, at: $0) }
    var count = 0
    while items?.next(in: json.span) != nil { count += 1 }
    #expect(count == 3)
  }

  @Test func brokenJSONIsReadToItsEndAtMost() {
    let json = bytes(
      #"{"type":"message","room":1,"seq":2,"event":3,"data":{"a":["\u0041\\"]},"text":"7 hello","ref":"r-5"}"#)
    for end in json.indices { _ = EventFrame(json.span.extracting(..<end)) }
    var random = SplitMix64(seed: 3)
    for _ in 0..<5_000 {
      var broken = json
      for _ in 0..<3 {
        broken[Int.random(in: broken.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = EventFrame(broken.span)
      _ = try? PageChecker.check(history: broken.span, room: 1, expected: 1...2)
    }
    #expect(event(bytes("[1]")) == nil)
  }

  @Test func aFramesNumbersAreRead() throws {
    let ack = bytes(
      #"{"type":"ack","ref":"b3x-42","room":1,"seq":9,"event":11,"timestamp":1700000000000,"duplicate":false}"#)
    let frame = try #require(event(ack))
    #expect(frame.type == .ack && frame.refNumber == 42 && frame.seq == 9 && frame.event == 11)
    #expect(frame.timestamp == 1_700_000_000_000)
    let refusal = bytes(#"{"type":"error","ref":"b3x-7","error":"rate_limited","message":"…","retry_after_ms":250}"#)
    let error = try #require(event(refusal))
    #expect(error.type == .error && error.retryAfter == 250 && error.refNumber == 7)
    let word = Senders.word(error, refusal.span)
    #expect(word == "rate_limited")
  }

  @Test func anHTTPReplysHeadIsReadOnceItIsWhole() throws {
    let reply = bytes("HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 12\r\n\r\n{\"hits\":[]}x")
    let head = try #require(try head(reply))
    #expect(head == HTTPReplyHead(status: 200, contentLength: 12, end: reply.count - 12, isLast: true))
    let part = try self.head(Array(reply[..<(head.end - 1)]))
    #expect(part == nil)
    for wrong in ["ICY 200\r\n\r\n", "HTTP/1.1 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
      #expect(throws: Breach.self) { try self.head(bytes(wrong)) }
    }
  }
}
