import ChatRooms
import TestSupport
import Testing

@testable import HistoryIndex
@testable import server

/// What a broadcast costs: counts of writes, allocations and bytes copied, which a change for the worse would exceed on
/// any machine.
@Suite struct BroadcastCostTests {
  private static let readers = 200
  private let messages = (1...100).map { message(Int64($0), text: String(repeating: "x", count: 100)) }
  private var frames: [UInt8] { messages.flatMap { MessageWire.rawFrame($0).bytes } }

  @Test func theEventsOfACommitAreOneWriteAReaderAndCopiedOnceALoop() throws {
    let test = try TestReactor()
    let clients = try test.clients(Self.readers)
    test.broadcast(messages)
    let cost = WorkCounts.ofThread { test.settle() }
    #expect(cost.writes == Self.readers)
    #expect(cost.controls == 0, "nobody's socket is full")
    // 20,000 deliveries. A debug build allocates some for each reader; what is allocated for messages is allocated once.
    #expect(cost.allocations <= 6 * Self.readers, "\(cost)")
    #expect(cost.allocatedBytes <= 8 * frames.count, "\(cost)")
    #expect(test.reactor.gatherBuffer.copied == 0, "a single piece is written from where it lies")
    for client in clients { #expect(client.read() == frames) }
  }

  @Test func theSameHoldsMessageByMessage() throws {
    let test = try TestReactor()
    let clients = try test.clients(50)
    var cost = WorkCounts.ofThread {}
    for message in messages {
      test.broadcast([message])
      let once = WorkCounts.ofThread { test.settle() }
      #expect(once.writes == clients.count)
      cost = once
    }
    #expect(cost.allocations <= 5 * clients.count, "\(cost)")
    for client in clients { #expect(client.read() == frames) }
  }

  @Test func whatIsSaidWhileALargeRoomIsWrittenToGoesOutWithIt() throws {
    let test = try TestReactor()
    let clients = try test.clients(Self.readers)
    let parts = [messages[..<30], messages[30..<60], messages[60...]].map(Array.init)
    let cost = WorkCounts.ofThread {
      for part in parts {
        test.broadcast(part)
        test.reactor.turn()
      }
      test.settle()
    }
    // Every turn writes to a slice of the room; whoever was not reached gets all that came meanwhile in one write.
    #expect(cost.writes - parts.count <= Self.readers + 2 * SocketReactor.bulkSlice, "\(cost)")
    // Put together once for all who wait for the same.
    #expect(test.reactor.gatherBuffer.copied <= 4 * frames.count)
    for client in clients { #expect(client.read() == frames) }
  }

  @Test func aFrameThatComesInCostsAFewAllocations() throws {
    let test = try TestReactor()
    let sender = try test.clients(1)[0]
    let text = clientFrame(String(repeating: "x", count: 100))
    sender.send((0..<50).flatMap { _ in text })
    let cost = WorkCounts.ofThread { test.reactor.turn() }
    test.settle()
    #expect(test.hub.texts(in: 1).count == 50)
    #expect(cost.reads <= 2, "\(cost)")
    // As a debug build counts, with what the stand-in for hub and journal allocates.
    #expect(cost.allocations <= 50 * 210, "\(cost)")
  }
}
