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

  @Test func whoIsRemovedWhileALargeRoomIsWrittenToGetsWhatCameBeforeAndNothingAfter() throws {
    let test = try TestReactor()
    let readers = try test.clients(Self.readers)
    test.broadcast(large)
    test.reactor.turn()
    #expect(test.reactor.unwritten.hasBulk)
    test.post([.evict(1, nil)])
    test.broadcast([message(21, in: 1)])
    test.settle()
    let frames = large.flatMap { MessageWire.rawFrame($0).bytes }
    for reader in readers {
      let seen = reader.read()
      #expect(Array(seen.prefix(frames.count)) == frames)
      let rest = seen.dropFirst(frames.count)
      // A close frame: its opcode, the length, and 4003.
      #expect(rest.first == 0x88 && rest.dropFirst(2).prefix(2).elementsEqual([0x0F, 0xA3]))
      #expect(rest.count < 40)
    }
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
    // It takes what is left, the frame that it had begun to get and the close frame, little by little.
    var rest: [UInt8] = []
    var chunk = deaf.read()
    while !chunk.isEmpty {
      rest += chunk
      test.reactor.turn()
      chunk = deaf.read()
    }
    #expect(String(decoding: rest.suffix(20), as: UTF8.self).hasSuffix("resume with since"))
    #expect(rest.count < said.count)
  }

  @Test func aTurnTakesAPartOfAFloodAndAllOfItsNeighbour() throws {
    let test = try TestReactor()
    let flood = try test.clients(1)[0]
    let person = try test.clients(1, in: room(2))[0]
    flood.send((1...500).flatMap { clientFrame("\($0)") })
    person.send(clientFrame("hello"))
    test.reactor.turn()
    #expect(test.hub.texts(in: 2) == ["hello"])
    #expect(test.hub.texts(in: 1).count == SocketReactor.readFrames)
    test.reactor.turn()
    #expect(String(decoding: person.read(), as: UTF8.self).contains("hello"))
    #expect(!test.reactor.held.isEmpty, "the flood is still being taken in")
    test.settle()
    #expect(test.hub.texts(in: 1) == (1...500).map(String.init))
  }

  @Test func whoIsRemovedWhileItsFloodIsTakenInCanStillSayGoodbye() throws {
    let test = try TestReactor()
    let flood = try test.clients(1)[0]
    let goodbye: [UInt8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]
    flood.send((1...100).flatMap { clientFrame("\($0)") } + goodbye)
    test.reactor.turn()
    #expect(!test.reactor.held.isEmpty)
    test.post([.evict(1, nil)])
    test.settle()
    #expect(test.reactor.connectionCount == 0)
    // What it had not come to is not sent in the name of somebody who was removed.
    #expect(test.hub.texts(in: 1).count < 100)
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
