import ChatRooms

/// Storage in which frames are put together for one write, reused by all connections of a loop.
///
/// The subscribers of a room have the same frames waiting nearly always: what was put together for one of them is
/// written to the next as it is.
struct GatherBuffer {
  private(set) var bytes: [UInt8] = []
  /// What `bytes` consists of, without the first frame's first bytes.
  private var frames: [WebSocketFrame] = []
  private var offset = 0
  /// Bytes that were copied so far.
  private(set) var copied = 0

  /// Puts frames together, without the first `offset` bytes.
  mutating func gather(_ wanted: ArraySlice<WebSocketFrame>, from offset: Int) {
    guard !holds(wanted, from: offset) else { return }
    bytes.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
    frames.append(contentsOf: wanted)
    self.offset = offset
    var skipped = offset
    for frame in wanted {
      bytes.append(contentsOf: frame.bytes[skipped...])
      skipped = 0
    }
    copied += bytes.count
  }

  private func holds(_ wanted: ArraySlice<WebSocketFrame>, from offset: Int) -> Bool {
    guard wanted.count == frames.count, offset == self.offset else { return false }
    var index = wanted.startIndex
    for frame in frames {
      if frame !== wanted[index] { return false }
      index += 1
    }
    return true
  }
}
