import ChatRooms
import Testing

@testable import server

@Suite struct OutboundQueueTests {
  private func frames(_ count: Int, bytes: Int = 20) -> [WebSocketFrame] {
    (0..<count).map { WebSocketFrame(payload: [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes)) }
  }

  @Test(arguments: [1, 7, 22, 100, 10_000])
  func writesEveryByteInOrderHoweverLittleIsTaken(taken: Int) {
    let frames = frames(300)
    var (queue, scratch, output) = (OutboundQueue(), GatherBuffer(), [UInt8]())
    for frame in frames { queue.append(frame) }
    while !queue.isEmpty {
      _ = queue.flush(scratch: &scratch, gathering: 256, budget: .max) { chunk in
        output += chunk.prefix(taken)
        return min(taken, chunk.count)
      }
    }
    #expect(output == frames.flatMap(\.bytes))
    #expect(queue.byteCount == 0)
  }

  @Test func gathersSmallFramesIntoOneWrite() {
    var (queue, scratch, writes) = (OutboundQueue(), GatherBuffer(), 0)
    for frame in frames(100) { queue.append(frame) }
    _ = queue.flush(scratch: &scratch, gathering: 64 << 10, budget: .max) { chunk in
      writes += 1
      return chunk.count
    }
    #expect(writes == 1)
  }

  @Test func stopsAtItsBudgetAndWhereTheSocketIsFull() {
    var (queue, scratch) = (OutboundQueue(), GatherBuffer())
    for frame in frames(10, bytes: 1_000) { queue.append(frame) }
    let written = queue.flush(scratch: &scratch, gathering: 2_048, budget: 3_000, write: \.count)
    #expect((3_000...5_048).contains(written))
    #expect(queue.flush(scratch: &scratch, gathering: 2_048, budget: .max) { _ in -1 } == 0)
    #expect(queue.byteCount == 10 * 1_004 - written)
  }

  @Test func keepsOnlyTheRestOfAFrameThatIsPartlyWritten() {
    let frames = frames(3)
    var (queue, scratch, output) = (OutboundQueue(), GatherBuffer(), [UInt8]())
    for frame in frames { queue.append(frame) }
    _ = queue.flush(scratch: &scratch, gathering: 22, budget: .max) { _ in 5 }
    queue.dropUnsent()
    _ = queue.flush(scratch: &scratch, gathering: 1_000, budget: .max) { chunk in
      output += chunk
      return chunk.count
    }
    #expect(output == Array(frames[0].bytes[5...]))
  }
}
