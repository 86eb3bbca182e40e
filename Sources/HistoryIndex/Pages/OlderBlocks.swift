import ChatRooms

/// Blocks of a room's older messages, as many as fit into a number of bytes; those that came first go first.
struct OlderBlocks: Sendable {
  /// Blocks that are kept however large they are: as many as the largest page lies in.
  static let fewest = HistoryLimits.page.upperBound / Int(MessageBlock.size) + 2

  /// Bytes that the blocks may take.
  var maximumBytes: Int { didSet { trim() } }
  private(set) var byteCount = 0
  private var blocks: [Int64: MessageBlock] = [:]
  private var order: [Int64] = []

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  var count: Int { blocks.count }

  subscript(number: Int64) -> MessageBlock? { blocks[number] }

  mutating func insert(_ block: MessageBlock) {
    guard blocks[block.number] == nil else { return }
    blocks[block.number] = block
    order.append(block.number)
    byteCount += block.byteCount
    trim()
  }

  /// Takes a newer state of a message, where its block is here.
  mutating func replace(_ message: Message) {
    let number = MessageBlock.number(of: message.seq)
    guard let before = blocks[number]?.byteCount else { return }
    blocks[number]?.replace(message)
    byteCount += (blocks[number]?.byteCount ?? before) - before
  }

  private mutating func trim() {
    while byteCount > maximumBytes, order.count > Self.fewest {
      byteCount -= blocks.removeValue(forKey: order.removeFirst())?.byteCount ?? 0
    }
  }
}
