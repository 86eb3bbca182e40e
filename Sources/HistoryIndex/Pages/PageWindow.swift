import ChatRooms

/// A room's newest messages and blocks of older ones, in their present state and rendered once, from which pages are
/// made. Pure: `RoomWindow` gives it events, blocks and queries.
///
/// It holds each message of a dense range up to the newest, follows the room's events from its position on, and says
/// what is missing where a page reaches beyond what it holds.
struct PageWindow: Sendable {
  enum Answer {
    case page(RenderedPage)
    /// These messages have to be read first: whole blocks.
    case missing(ClosedRange<Int64>)
    /// Events are known to have happened that have not come here yet.
    case behind
  }

  struct Entry: Sendable {
    var message: Message
    /// As it stands in a page; `nil` until it was wanted.
    var json: [UInt8]?

    init(_ message: Message) { self.message = message }
  }

  /// Messages of an older block. Block 0 begins with message 1.
  static let blockSize: Int64 = 128
  static let maximumBlocks = 32
  /// Messages that a read brings at least: who pages back wants the next ones too.
  static let fewestRead = 2 * blockSize
  /// Bytes of whole pages that are kept for the next who asks.
  static let maximumPageBytes = 1 << 20

  private(set) var position: RoomPosition
  /// The newest event that this server has heard of.
  private var known: Int64
  private var newest: [Entry]
  private var blocks: [Int64: [Entry]] = [:]
  private var blockOrder: [Int64] = []
  private var pages: [HistoryQuery: RenderedPage] = [:]
  private var pageBytes = 0
  private(set) var entryBytes: Int

  /// - Parameter messages: rising and dense up to `position.lastSeq`.
  init(position: RoomPosition, messages: [Message]) {
    self.position = position
    known = position.lastEvent
    newest = messages.map(Entry.init)
    entryBytes = messages.reduce(0) { $0 + Self.size(of: $1) }
  }

  /// Bytes held, about.
  var byteCount: Int { entryBytes + pageBytes }

  private var firstSeq: Int64 { position.lastSeq - Int64(newest.count) + 1 }

  // MARK: Events

  /// Takes events in any order. Those whose turn has not come are only noted: they come again, in order.
  mutating func heard(_ event: RoomEvent) {
    if event.event > known { known = event.event }
    _ = apply(event)
  }

  /// Takes the next event, or one that it knows. Returns false where others are missing before it, or where the event
  /// says that messages came another way.
  mutating func apply(_ event: RoomEvent) -> Bool {
    guard event.event > position.lastEvent else { return true }
    guard event.event == position.lastEvent + 1, event.kind != .imported else { return false }
    guard event.kind != .message || event.message.seq == position.lastSeq + 1 else { return false }
    position.lastEvent = event.event
    if event.event > known { known = event.event }
    if event.kind == .message {
      append(event.message)
    } else if event.message.seq > 0 {
      replace(event.message)
    }
    pages.removeAll(keepingCapacity: true)
    pageBytes = 0
    return true
  }

  private mutating func append(_ message: Message) {
    position.lastSeq = message.seq
    position.lastMessageAt = message.timestamp
    newest.append(Entry(message))
    entryBytes += Self.size(of: message)
    guard newest.count >= RoomTail.capacity + RoomTail.slack else { return }
    let dropped = newest.count - RoomTail.capacity
    entryBytes -= newest[..<dropped].reduce(0) { $0 + Self.size(of: $1.message) }
    newest.removeFirst(dropped)
  }

  private mutating func replace(_ message: Message) {
    let index = message.seq - firstSeq
    if index >= 0, index < newest.count {
      Self.replace(&newest[Int(index)], message)
    } else if let offset = Self.offset(of: message.seq), blocks[offset.block] != nil {
      blocks[offset.block]?.withUnique(offset.index) { Self.replace(&$0, message) }
    }
  }

  /// A read may have seen a state newer than the event that comes now.
  private static func replace(_ entry: inout Entry, _ message: Message) {
    if entry.message.seq == message.seq, entry.message.revised < message.revised { entry = Entry(message) }
  }

  // MARK: Older blocks

  private static func offset(of seq: Int64) -> (block: Int64, index: Int)? {
    guard seq >= 1 else { return nil }
    return ((seq - 1) / blockSize, Int((seq - 1) % blockSize))
  }

  static func seqs(ofBlock block: Int64) -> ClosedRange<Int64> {
    block * blockSize + 1...(block + 1) * blockSize
  }

  func holds(block: Int64) -> Bool { blocks[block] != nil }

  /// - Parameter messages: all of the block's, read after the window stood where its first of `changes` begins.
  /// - Parameter changes: the events of the room since the read began.
  mutating func insert(block: Int64, _ messages: [Message], changes: [RoomEvent]) {
    guard messages.count == Int(Self.blockSize), messages.first?.seq == Self.seqs(ofBlock: block).lowerBound else {
      return
    }
    if blockOrder.count >= Self.maximumBlocks { drop(block: blockOrder.removeFirst()) }
    var entries = messages.map(Entry.init)
    for event in changes {
      guard let offset = Self.offset(of: event.message.seq), offset.block == block else { continue }
      Self.replace(&entries[offset.index], event.message)
    }
    blocks[block] = entries
    blockOrder.append(block)
    entryBytes += messages.reduce(0) { $0 + Self.size(of: $1) }
  }

  private mutating func drop(block: Int64) {
    guard let dropped = blocks.removeValue(forKey: block) else { return }
    entryBytes -= dropped.reduce(0) { $0 + Self.size(of: $1.message) }
  }

  // MARK: Pages

  mutating func answer(_ query: HistoryQuery) -> Answer {
    guard known <= position.lastEvent else { return .behind }
    if let page = pages[query] { return .page(page) }
    var (before, after): ([Int64], [Int64]) = ([], [])
    if let missing = collect(query.backward, step: -1, into: &before) { return .missing(missing) }
    if let side = query.forward, let missing = collect(side, step: 1, into: &after) { return .missing(missing) }
    let shown = query.shown(before: before.count, after: after.count)
    let page = render(
      before.prefix(shown.before).reversed() + after.prefix(shown.after), hasMoreBefore: before.count > shown.before,
      hasMoreAfter: after.count > shown.after)
    keep(page, for: query)
    return .page(page)
  }

  /// Appends the numbers of messages that are not deleted. Returns what has to be read to find enough of them.
  private func collect(_ side: HistoryQuery.Side, step: Int64, into found: inout [Int64]) -> ClosedRange<Int64>? {
    found.reserveCapacity(side.count)
    var seq = step < 0 ? min(side.seq, position.lastSeq) : max(side.seq, 1)
    while seq >= 1, seq <= position.lastSeq, found.count < side.count {
      guard let isDeleted = isDeleted(seq) else { return missing(around: seq, step, side.count - found.count) }
      if !isDeleted { found.append(seq) }
      seq += step
    }
    return nil
  }

  /// `nil` where the message is not held.
  private func isDeleted(_ seq: Int64) -> Bool? {
    let index = seq - firstSeq
    if index >= 0 { return index < newest.count ? newest[Int(index)].message.isDeleted : nil }
    guard let offset = Self.offset(of: seq) else { return nil }
    return blocks[offset.block]?[offset.index].message.isDeleted
  }

  /// Whole blocks with the next `count` messages in that direction, at most what one read may bring.
  private func missing(around seq: Int64, _ step: Int64, _ count: Int) -> ClosedRange<Int64> {
    let count = max(Self.fewestRead, Int64(min(count, HistoryLimits.block / 2)))
    let first = max(1, step < 0 ? seq - count + 1 : seq)
    let last = min(firstSeq - 1, step < 0 ? seq : seq + count - 1)
    let lower = (first - 1) / Self.blockSize
    let upper = (max(first, last) - 1) / Self.blockSize
    return lower * Self.blockSize + 1...(upper + 1) * Self.blockSize
  }

  private mutating func render(
    _ seqs: some Collection<Int64>, hasMoreBefore: Bool, hasMoreAfter: Bool
  ) -> RenderedPage {
    var objects: [[UInt8]] = []
    objects.reserveCapacity(seqs.count)
    for seq in seqs { objects.append(json(of: seq)) }
    var writer = RenderedPage.Writer(capacity: objects.reduce(96) { $0 + $1.count + 1 })
    for object in objects { writer.add(object) }
    let bytes = writer.end(before: hasMoreBefore, after: hasMoreAfter, epoch: position.epoch)
    return RenderedPage(position, json: bytes, messageCount: objects.count)
  }

  private mutating func json(of seq: Int64) -> [UInt8] {
    let index = Int(seq - firstSeq)
    if newest.indices.contains(index) { return Self.json(of: &newest[index]) }
    guard let offset = Self.offset(of: seq) else { return [] }
    return blocks[offset.block]?.withUnique(offset.index) { Self.json(of: &$0) } ?? []
  }

  private static func json(of entry: inout Entry) -> [UInt8] {
    if let json = entry.json { return json }
    let json = MessageWire.object(entry.message)
    entry.json = json
    return json
  }

  private mutating func keep(_ page: RenderedPage, for query: HistoryQuery) {
    if pageBytes + page.json.count > Self.maximumPageBytes {
      pages.removeAll(keepingCapacity: true)
      pageBytes = 0
    }
    pages[query] = page
    pageBytes += page.json.count
  }

  /// What a message and its rendered form hold, about.
  private static func size(of message: Message) -> Int { 600 + 2 * message.text.utf8.count }
}

extension Array {
  /// Changes one element in place. `nil` where there is no such element.
  fileprivate mutating func withUnique<Result>(_ index: Int, _ body: (inout Element) -> Result) -> Result? {
    indices.contains(index) ? body(&self[index]) : nil
  }
}
