import ChatRooms

/// The newest messages of a room without a hole, in blocks of which all but the last are full.
///
/// A room's tail and its window have one each; what is in both is in memory once (`share`).
struct RecentMessages: Sendable {
  /// Messages kept at least, where there are so many; at most a block more.
  private(set) var capacity: Int
  private(set) var blocks: [MessageBlock] = []
  private var nextSeq: Int64

  /// - Parameter messages: rising and dense up to `lastSeq`.
  init(_ messages: [Message], lastSeq: Int64, capacity: Int) {
    self.capacity = capacity
    nextSeq = messages.first?.seq ?? lastSeq + 1
    for message in messages { add(message) }
  }

  var firstSeq: Int64 { blocks.first?.firstSeq ?? nextSeq }
  var lastSeq: Int64 { nextSeq - 1 }
  var count: Int { Int(nextSeq - firstSeq) }
  var byteCount: Int { blocks.reduce(0) { $0 + $1.byteCount } }

  /// The block that has a message; `nil` where it is not here.
  func block(of seq: Int64) -> MessageBlock? {
    guard let index = index(of: seq) else { return nil }
    return blocks[index]
  }

  /// Leaves out what cannot be read back, which is nothing.
  var messages: [Message] { blocks.flatMap { block in (block.firstSeq..<block.lastSeq + 1).compactMap(block.message) } }

  /// The number from which on there are so many messages that are not deleted; the first where there are fewer.
  func firstSeq(ofNewest limit: Int) -> Int64 {
    var left = limit
    for block in blocks.reversed() {
      var seq = block.lastSeq
      while seq >= block.firstSeq {
        if block.isDeleted(seq) == false { left -= 1 }
        if left <= 0 { return seq }
        seq -= 1
      }
    }
    return firstSeq
  }

  /// Whether there are so many messages that are not deleted.
  func has(_ limit: Int) -> Bool {
    var left = limit
    for block in blocks.reversed() where left > 0 { left -= block.visibleCount }
    return left <= 0
  }

  /// Goes through the messages from a number on that are not deleted: the event that created each, and its object.
  func visit(from seq: Int64, _ body: (_ event: Int64, _ object: ArraySlice<UInt8>) -> Void) {
    for block in blocks where block.lastSeq >= seq {
      for seq in max(seq, block.firstSeq)..<block.lastSeq + 1 where block.isDeleted(seq) == false {
        body(block.event(of: seq) ?? 0, block.objects(of: seq...seq))
      }
    }
  }

  /// What the `palaver.v1` frames of the messages from a number on take, or a little more.
  func frameBytes(from seq: Int64) -> Int {
    blocks.reduce(0) { sum, block in
      let first = max(seq, block.firstSeq)
      guard first <= block.lastSeq else { return sum }
      return sum + block.objects(of: first...block.lastSeq).count + Int(block.lastSeq - first + 1)
        * MessageWire.frameOverhead
    }
  }

  /// The block that has a message, where no further message belongs to it.
  func fullBlock(of seq: Int64) -> MessageBlock? { block(of: seq).flatMap { $0.isFull ? $0 : nil } }

  /// Takes the next message. Returns the blocks that had to go for it.
  mutating func append(_ message: Message) -> [MessageBlock] {
    add(message)
    return trim()
  }

  /// Keeps fewer messages from now on. Returns the blocks that had to go.
  mutating func shorten(to capacity: Int) -> [MessageBlock] {
    self.capacity = min(self.capacity, capacity)
    return trim()
  }

  private mutating func trim() -> [MessageBlock] {
    var dropped: [MessageBlock] = []
    while let first = blocks.first, count - first.count >= capacity { dropped.append(blocks.removeFirst()) }
    return dropped
  }

  private mutating func add(_ message: Message) {
    if blocks.last?.isFull ?? true { blocks.append(MessageBlock(firstSeq: nextSeq)) }
    blocks[blocks.count - 1].append(message)
    nextSeq += 1
  }

  /// Takes a newer state of a message. Returns whether the message is here.
  mutating func replace(_ message: Message) -> Bool {
    guard let index = index(of: message.seq) else { return false }
    blocks[index].replace(message)
    return true
  }

  /// Uses another's memory for a block that has the same messages in the same states.
  mutating func share(_ block: MessageBlock) {
    guard let index = index(of: block.firstSeq), blocks[index].isSame(as: block) else { return }
    blocks[index] = block
  }

  private func index(of seq: Int64) -> Int? {
    guard seq >= firstSeq, seq < nextSeq, let first = blocks.first else { return nil }
    return Int(MessageBlock.number(of: seq) - first.number)
  }
}
