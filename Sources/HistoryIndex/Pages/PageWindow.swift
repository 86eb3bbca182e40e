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

  private(set) var position: RoomPosition
  /// The newest event that this server has heard of.
  private var known: Int64
  private var recent: RecentMessages
  private(set) var older: OlderBlocks
  /// For the next who asks the same.
  private var lastPage: (query: HistoryQuery, page: RenderedPage)?

  /// - Parameters:
  ///   - recent: the messages up to `position.lastSeq`, as a tail has them.
  ///   - olderBytes: what older blocks may take.
  init(position: RoomPosition, recent: RecentMessages, olderBytes: Int) {
    self.position = position
    self.recent = recent
    older = OlderBlocks(maximumBytes: olderBytes)
    known = position.lastEvent
  }

  /// Bytes held, a tail's share of them included.
  var byteCount: Int { recent.byteCount + older.byteCount + (lastPage?.page.json.count ?? 0) }

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
      // It may be in both, where a block that was read reaches into the newest.
      _ = recent.replace(event.message)
      older.replace(event.message)
    }
    lastPage = nil
    return true
  }

  private mutating func append(_ message: Message) {
    position.lastSeq = message.seq
    position.lastMessageAt = message.timestamp
    for block in recent.append(message) where block.isWhole { older.insert(block) }
  }

  /// Uses a tail's memory for a block, where it has the same.
  mutating func share(_ block: MessageBlock) { recent.share(block) }

  // MARK: Older blocks

  func holds(block number: Int64) -> Bool { older[number] != nil }

  /// - Parameters:
  ///   - messages: all of the block's, read after the window stood where its first of `changes` begins.
  ///   - changes: the events of the room since the read began.
  mutating func insert(block number: Int64, _ messages: [Message], changes: [RoomEvent]) {
    let seqs = MessageBlock.seqs(of: number)
    guard messages.count == seqs.count, messages.first?.seq == seqs.lowerBound else { return }
    var block = MessageBlock(firstSeq: seqs.lowerBound)
    for message in messages { block.append(message) }
    for event in changes { block.replace(event.message) }
    older.insert(block)
  }

  /// Bounds what older blocks take from now on.
  mutating func limitOlder(to bytes: Int) { older.maximumBytes = bytes }

  // MARK: Pages

  mutating func answer(_ query: HistoryQuery) -> Answer {
    guard known <= position.lastEvent else { return .behind }
    if let lastPage, lastPage.query == query { return .page(lastPage.page) }
    var before = Found(side: query.backward, step: -1)
    let older = collect(&before)
    var after = Found(side: query.forward ?? HistoryQuery.Side(seq: 1, count: 0), step: 1)
    let newer = collect(&after)
    if let missing = Self.joined(older, newer) { return .missing(missing) }
    let shown = query.shown(before: before.count, after: after.count)
    let page = render(
      before.runs(ofFirst: shown.before) + after.runs(ofFirst: shown.after), count: shown.before + shown.after,
      hasMoreBefore: before.count > shown.before, hasMoreAfter: after.count > shown.after)
    lastPage = (query, page)
    return .page(page)
  }

  /// Both where nothing lies between them and one read may bring them, else the older.
  private static func joined(_ older: ClosedRange<Int64>?, _ newer: ClosedRange<Int64>?) -> ClosedRange<Int64>? {
    guard let older, let newer else { return older ?? newer }
    let both = older.lowerBound...max(older.upperBound, newer.upperBound)
    return newer.lowerBound <= older.upperBound + 1 && both.count <= HistoryLimits.block ? both : older
  }

  private func block(of seq: Int64) -> MessageBlock? {
    recent.block(of: seq) ?? older[MessageBlock.number(of: seq)]
  }

  /// Finds messages that are not deleted. Returns what has to be read to find enough of them.
  private func collect(_ found: inout Found) -> ClosedRange<Int64>? {
    let start = found.step < 0 ? min(found.side.seq, position.lastSeq) : max(found.side.seq, 1)
    var seq = start
    while seq >= 1, seq <= position.lastSeq, found.isWanting {
      guard let block = block(of: seq) else { return missing(around: seq, passed: abs(seq - start), found) }
      while found.isWanting, let isDeleted = block.isDeleted(seq) {
        if !isDeleted { found.take(seq) }
        seq += found.step
      }
    }
    return nil
  }

  /// Whole blocks with the next messages that are wanted, at most what one read may bring. Where many were passed in
  /// vain, as many again: a long run of deleted messages then takes few reads.
  private func missing(around seq: Int64, passed: Int64, _ found: Found) -> ClosedRange<Int64> {
    let count = min(max(Int64(found.side.count - found.count), passed), Int64(HistoryLimits.block / 2))
    let first = max(1, found.step < 0 ? seq - count + 1 : seq)
    let last = min(recent.firstSeq - 1, found.step < 0 ? seq : seq + count - 1)
    let lower = MessageBlock.seqs(of: MessageBlock.number(of: first)).lowerBound
    return lower...MessageBlock.seqs(of: MessageBlock.number(of: max(first, last))).upperBound
  }

  private func render(
    _ runs: [ClosedRange<Int64>], count: Int, hasMoreBefore: Bool, hasMoreAfter: Bool
  ) -> RenderedPage {
    var pieces: [ArraySlice<UInt8>] = []
    for run in runs {
      var seq = run.lowerBound
      while seq <= run.upperBound, let block = block(of: seq) {
        let last = min(run.upperBound, block.lastSeq)
        pieces.append(block.objects(of: seq...last))
        seq = last + 1
      }
    }
    var writer = RenderedPage.Writer(capacity: pieces.reduce(128) { $0 + $1.count + 1 })
    for piece in pieces { writer.add(piece) }
    let bytes = writer.end(before: hasMoreBefore, after: hasMoreAfter, epoch: position.epoch)
    return RenderedPage(position, json: bytes, messageCount: count)
  }
}

/// Numbers found in one direction, as runs without a hole.
private struct Found {
  let side: HistoryQuery.Side
  /// -1: towards older messages.
  let step: Int64
  private(set) var count = 0
  private var runs: [ClosedRange<Int64>] = []

  init(side: HistoryQuery.Side, step: Int64) {
    self.side = side
    self.step = step
  }

  var isWanting: Bool { count < side.count }

  mutating func take(_ seq: Int64) {
    count += 1
    if let last = runs.last, seq == (step < 0 ? last.lowerBound : last.upperBound) + step {
      runs[runs.count - 1] = min(seq, last.lowerBound)...max(seq, last.upperBound)
    } else {
      runs.append(seq...seq)
    }
  }

  /// The runs of the first so many that were found, rising.
  func runs(ofFirst limit: Int) -> [ClosedRange<Int64>] {
    var left = Int64(limit)
    var kept: [ClosedRange<Int64>] = []
    for run in runs where left > 0 {
      let length = min(left, Int64(run.count))
      kept.append(
        step < 0 ? run.upperBound - length + 1...run.upperBound : run.lowerBound...run.lowerBound + length - 1)
      left -= length
    }
    return step < 0 ? kept.reversed() : kept
  }
}
