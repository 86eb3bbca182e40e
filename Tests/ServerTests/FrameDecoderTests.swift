import Testing

@testable import server

@Suite struct FrameDecoderTests {
  /// Feeds input in pieces of a size.
  private func decode(_ input: [UInt8], pieces size: Int = .max) throws(FrameViolation) -> [IncomingFrame] {
    var decoder = FrameDecoder()
    var frames: [IncomingFrame] = []
    var start = 0
    while start < input.count {
      let end = size == .max ? input.count : min(input.count, start + size)
      var offset = start
      while let frame = try decoder.next(in: input[start..<end], from: &offset) { frames.append(frame) }
      #expect(offset == end)
      start = end
    }
    return frames
  }

  private func violation(_ input: [UInt8]) -> CloseCode? {
    do throws(FrameViolation) {
      _ = try decode(input)
      return nil
    } catch {
      return error.code
    }
  }

  @Test(arguments: [1, 2, 3, 7, 1_000, Int.max])
  func readsFramesHoweverTheyAreCutUp(pieces: Int) throws {
    let long = String(repeating: "é", count: 40_000)
    let input =
      clientFrame("hi") + clientFrame([1, 2], opcode: 0x9) + clientFrame(long) + clientFrame("")
      + clientFrame([], opcode: 0xA) + clientFrame([0x03, 0xE8], opcode: 0x8)
    #expect(
      try decode(input, pieces: pieces) == [.text("hi"), .ping([1, 2]), .text(long), .text(""), .pong, .close(1000)])
  }

  @Test func joinsFragmentsAroundControlFrames() throws {
    let euro = Array("€".utf8)
    let input =
      clientFrame([euro[0]], isFinal: false) + clientFrame([9], opcode: 0x9)
      + clientFrame([euro[1]], opcode: 0x0, isFinal: false) + clientFrame([euro[2]], opcode: 0x0)
    #expect(try decode(input) == [.ping([9]), .text("€")])
  }

  @Test func takesAMessageOfTheLimitAndRefusesOneByteMore() throws {
    let limit = FrameDecoder.maximumMessage
    #expect(try decode(clientFrame([UInt8](repeating: 0x61, count: limit))).count == 1)
    #expect(violation(clientFrame([UInt8](repeating: 0x61, count: limit + 1))) == .tooBig)
    let half = [UInt8](repeating: 0x61, count: limit / 2)
    let fragments = clientFrame(half, isFinal: false) + clientFrame(half + [0x61], opcode: 0x0)
    #expect(violation(fragments) == .tooBig)
  }

  @Test(arguments: [UInt64.max, UInt64(Int64.max), 1 << 40])
  func refusesAbsurdLengthsBeforeTheirPayload(length: UInt64) {
    let header: [UInt8] = [0x81, 0xFF] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    #expect(violation(header + [0, 0, 0, 0]) != nil)
  }

  @Test func refusesWhatBreaksTheProtocol() {
    #expect(violation([0x81, 0x02, 0x68, 0x69]) == .protocolError, "unmasked")
    #expect(violation([0xC1, 0x80, 0, 0, 0, 0]) == .protocolError, "reserved bit")
    #expect(violation([0x83, 0x80, 0, 0, 0, 0]) == .protocolError, "unknown opcode")
    #expect(violation(clientFrame([], opcode: 0x9, isFinal: false)) == .protocolError, "fragmented ping")
    #expect(violation([0x89, 0xFE, 0, 126, 0, 0, 0, 0]) == .protocolError, "long ping")
    #expect(violation(clientFrame([], opcode: 0x0)) == .protocolError, "nothing to continue")
    #expect(violation(clientFrame([], isFinal: false) + clientFrame("x")) == .protocolError, "message in a message")
    #expect(violation([0x81, 0xFE, 0, 5, 0, 0, 0, 0]) == .protocolError, "long form of a short length")
    #expect(violation(clientFrame([1], opcode: 0x2)) == .unsupported, "binary")
  }

  @Test func refusesWhatIsNotUTF8() {
    #expect(violation(clientFrame([0xC3, 0x28])) == .notUTF8)
    #expect(violation(clientFrame([0xED, 0xA0, 0x80])) == .notUTF8, "a surrogate")
    #expect(violation(clientFrame([0xE2, 0x82], isFinal: false) + clientFrame([0x61], opcode: 0x0)) == .notUTF8)
    #expect(violation(clientFrame([0xE2, 0x82])) == .notUTF8, "cut off")
    #expect(violation(clientFrame([0x03, 0xE8, 0xFF], opcode: 0x8)) == .notUTF8, "close reason")
  }

  @Test(arguments: [999, 1004, 1005, 1006, 1016, 2999, 5000])
  func refusesInvalidCloseCodes(code: Int) {
    #expect(violation(clientFrame([UInt8(code >> 8), UInt8(code & 0xFF)], opcode: 0x8)) == .protocolError)
  }

  @Test func neverCrashesOnNoise() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let noise = (0..<Int.random(in: 1...64, using: &generator)).map { _ in
        UInt8.random(in: .min ... .max, using: &generator)
      }
      _ = violation(noise)
    }
  }
}
