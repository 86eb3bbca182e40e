import ChatRooms

/// Frames that wait to be written to one connection, shared with all others that they go to.
struct OutboundQueue {
  private var frames: [WebSocketFrame] = []
  /// The first frame that is not wholly written, and how many of its bytes are.
  private var head = 0
  private var headOffset = 0
  /// Bytes that wait.
  private(set) var byteCount = 0

  /// Storage that an idle connection may keep, in frames.
  private static let keptCapacity = 16

  var isEmpty: Bool { head == frames.count }

  mutating func append(_ frame: WebSocketFrame) {
    frames.append(frame)
    byteCount += frame.bytes.count
  }

  /// Hands bytes to `write`, which returns how many it took, until nothing is left, it takes less than it was given,
  /// or `budget` bytes are written.
  ///
  /// A single frame is written from where it lies. Several are gathered first, once for all connections that wait for
  /// the same ones: copying a few hundred bytes each costs less than an entry of `writev` does in the kernel.
  /// - Returns: bytes written.
  mutating func flush(
    scratch: inout GatherBuffer, gathering limit: Int, budget: Int, write: (ArraySlice<UInt8>) -> Int
  ) -> Int {
    var total = 0
    while !isEmpty, total < budget {
      let chunk = nextChunk(scratch: &scratch, limit: limit)
      let written = max(0, write(chunk))
      consume(written)
      total += written
      if written < chunk.count { break }
    }
    if isEmpty { releaseStorage() }
    return total
  }

  private func nextChunk(scratch: inout GatherBuffer, limit: Int) -> ArraySlice<UInt8> {
    var end = head + 1
    var count = frames[head].bytes.count - headOffset
    while end < frames.count, count + frames[end].bytes.count <= limit {
      count += frames[end].bytes.count
      end += 1
    }
    guard end > head + 1 else { return frames[head].bytes[headOffset...] }
    scratch.gather(frames[head..<end], from: headOffset)
    return scratch.bytes[...]
  }

  private mutating func consume(_ count: Int) {
    byteCount -= count
    var rest = count
    while rest > 0, head < frames.count {
      let available = frames[head].bytes.count - headOffset
      guard rest >= available else {
        headOffset += rest
        break
      }
      rest -= available
      headOffset = 0
      head += 1
    }
    compact()
  }

  /// Lets go of written frames once they are the larger part, so that a queue that never empties does not grow.
  private mutating func compact() {
    guard head > 64, head * 2 > frames.count else { return }
    frames.removeSubrange(..<head)
    head = 0
  }

  private mutating func releaseStorage() {
    frames.removeAll(keepingCapacity: frames.capacity <= Self.keptCapacity)
    head = 0
  }

  /// Drops what waits, but for the rest of a frame that is partly written: the peer could not parse what follows.
  mutating func dropUnsent() {
    guard head < frames.count else { return }
    let keep = headOffset > 0 ? [frames[head]] : []
    byteCount = keep.first.map { $0.bytes.count - headOffset } ?? 0
    frames = keep
    head = 0
  }
}
