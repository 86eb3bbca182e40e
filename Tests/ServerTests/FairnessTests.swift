import ChatRooms
import TestSupport
import Testing

@testable import HistoryIndex
@testable import server

/// Large rooms, floods and readers that do not read are felt by themselves alone. By turns of a loop, not by times.
@Suite struct FairnessTests {
  private static let readers = 200
  private let large = (1...20).map { message(Int64($0), in: 1, text: String(repeating: "x", count: 1_000)) }

  @Test func aSmallRoomDoesNotWaitForALargeOne() throws {
    let test = try TestReactor()
    let readers = try test.clients(Self.readers)
    let neighbours = try test.clients(3, in: room(2))
    test.broadcast(large)
    test.reactor.turn()
    #expect(test.reactor.unwritten.hasBulk)
    let said = message(1, in: 2)
    test.broadcast([said])
    test.reactor.turn()
    #expect(test.reactor.unwritten.hasBulk, "the large room is still being written to")
    for neighbour in neighbours { #expect(neighbour.read() == MessageWire.rawFrame(said).bytes) }
    test.settle()
    let frames = large.flatMap { MessageWire.rawFrame($0).bytes }
    for reader in readers { #expect(reader.read() == frames) }
  }

  @Test func whoSpeaksInALargeRoomHearsItsEchoBeforeTheRestOfTheRoom() throws {
    let test = try TestReactor()
    let readers = try test.clients(Self.readers)
    let speaker = try #require(readers.last)
    speaker.send(clientFrame("hello"))
    test.reactor.turn()
    test.reactor.turn()
    #expect(test.reactor.unwritten.hasBulk)
    let echo = speaker.read()
    #expect(String(decoding: echo, as: UTF8.self).contains("hello"))
    test.settle()
    for reader in readers.dropLast() { #expect(reader.read() == echo) }
  }

  @Test func whoLeavesWhileALargeRoomIsWrittenToLosesNothingThatCameBefore() throws {
    let test = try TestReactor()
    let readers = try test.clients(Self.readers, format: .v1)
    let leaving = try #require(readers.last)
    test.broadcast(large)
    test.reactor.turn()
    leaving.send(clientFrame(#"{"type":"leave","room":1,"ref":"bye"}"#))
    test.reactor.turn()
    test.broadcast([message(21, in: 1)])
    test.settle()
    let frames = large.flatMap { MessageWire.messageFrame($0).bytes }
    let seen = leaving.read()
    #expect(Array(seen.prefix(frames.count)) == frames)
    let rest = String(decoding: seen.dropFirst(frames.count), as: UTF8.self)
    #expect(rest.contains(#""type":"left""#) && !rest.contains(#""type":"message""#))
  }

  @Test func aReaderThatNeverReadsIsCutOffAndEveryoneElseGetsEverything() throws {
    let test = try TestReactor(limits: SocketLimits(queue: 256 << 10))
    let deaf = try test.clients(1, sendBuffer: 4_096)[0]
    let readers = try test.clients(Self.readers)
    var seen = [[UInt8]](repeating: [], count: readers.count)
    var said: [UInt8] = []
    for number in 0..<30 {
      let messages = (1...20).map {
        message(Int64(number * 20 + $0), in: 1, text: String(repeating: "x", count: 1_000))
      }
      said += messages.flatMap { MessageWire.rawFrame($0).bytes }
      test.broadcast(messages)
      test.settle()
      for (index, reader) in readers.enumerated() { seen[index] += reader.read() }
    }
    #expect(seen.allSatisfy { $0 == said })
    #expect(test.metrics.text.contains("palaver_websocket_overflows_total 1\n"))
    var closing = deaf.read()
    test.settle()
    closing += deaf.read()
    #expect(closing.contains(bytes: [0x88]) && String(decoding: closing, as: UTF8.self).contains("resume with since"))
    #expect(closing.count < said.count)
  }

  @Test func aFloodIsHeldBackAndEveryoneElseIsHeardInOrder() async throws {
    try await TestEdge.run(configured { $0.sockets.session.sends = .init(rate: 20, burst: 200) }) { test in
      let flood = try test.connect("/raw")
      let person = try test.connect("/raw?user=bob")
      #expect(test.hub.joins.wait(for: 2))
      // At 20 a second, all of these would take minutes.
      try flood.send((0..<4_000).flatMap { _ in clientFrame("noise") })
      for index in 1...20 {
        try person.sendText("\(index)")
        var heard: String?
        while heard == nil || heard == "noise" { heard = try person.frame().json?["message"]?.string }
        #expect(heard == "\(index)")
      }
      let stored = test.hub.texts(in: 1)
      #expect(stored.filter { $0 != "noise" } == (1...20).map(String.init))
      #expect(stored.count < 2_000, "the flood waits on its own socket")
    }
  }
}

extension [UInt8] {
  fileprivate func contains(bytes: [UInt8]) -> Bool { bytes.allSatisfy(contains) }
}
