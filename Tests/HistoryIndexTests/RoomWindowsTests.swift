import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

/// Windows between the hub, those who commit and those who ask.
@Suite struct RoomWindowsTests {
  private let query = try? HistoryQuery(before: nil, after: nil, around: nil, limit: nil)

  private func hub(_ windows: RoomWindows) -> HubState {
    let hub = HubState(limits: .init(), metrics: HubMetrics(Metrics()), windows: windows)
    hub.begin(at: [LaneHead(lane: 0, head: 0, indexed: 0)])
    hub.handle([.heads([LaneHead(lane: 0, head: 0, indexed: 0)])], now: 0)
    return hub
  }

  private func lastSeq(_ windows: RoomWindows, now: Milliseconds = 0) -> Int64? {
    guard let query, let window = windows.current(RoomModel.room, now: now),
      case .page(let page) = window.answer(query, now: now)
    else { return nil }
    return page.position.lastSeq
  }

  /// A room with five messages and a window.
  private func settled(_ windows: RoomWindows, _ model: inout RoomModel) -> HubState {
    for _ in 0..<5 { model.send() }
    let hub = hub(windows)
    hub.handle([.events(model.events)], now: 0)
    hub.handle([.want(RoomModel.room, isRepeated: true)], now: 0)
    #expect(hub.takeJobs(now: 0).count == 1)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    for window in hub.takePublished() { hub.handle([.confirm(window)], now: 0) }
    return hub
  }

  @Test func aRoomThatIsAskedForAgainIsAnsweredFromMemory() {
    let windows = RoomWindows()
    var model = RoomModel()
    _ = settled(windows, &model)
    #expect(lastSeq(windows) == 5)
    #expect(lastSeq(windows, now: 5_000) == nil, "the database was not heard of for too long")
  }

  /// What other servers said while the bus was away is not known before the database has been asked.
  @Test func whatMayLackWhatOthersSaidIsNotShownWhileTheDatabaseIsAway() {
    let windows = RoomWindows()
    var model = RoomModel()
    let hub = settled(windows, &model)
    #expect(windows.latest(RoomModel.room) != nil)
    windows.beganHearing(now: 100)
    #expect(windows.latest(RoomModel.room) == nil)
    hub.handle([.heads([LaneHead(lane: 0, head: 5, indexed: 0)])], now: 200)
    #expect(windows.latest(RoomModel.room) != nil)
    hub.handle([.heads([LaneHead(lane: 0, head: 6, indexed: 0)])], now: 300)
    #expect(windows.latest(RoomModel.room) == nil, "an event is known to be missing")
    hub.handle([.heads([LaneHead(lane: 0, head: 5, indexed: 0)])], now: 400)
    windows.setHearing { false }
    #expect(windows.latest(RoomModel.room) == nil)
  }

  /// It may have lost the bus, and be counted no more.
  @Test func whoHasSeenAnotherServerWriteIsNotAloneForAWhile() {
    let told = RoomWindows()
    #expect(told.isAlone)
    told.sawOthers()
    #expect(!told.isAlone)
    let untold = RoomWindows()
    let hub = hub(untold)
    var model = RoomModel()
    model.send()
    hub.handle([.fetched(lane: 0, [], after: 0)], now: 0)
    #expect(untold.isAlone)
    hub.handle([.fetched(lane: 0, model.events, after: 0)], now: 0)
    #expect(!untold.isAlone)
  }

  @Test func aRoomThatIsAskedForOnceIsNotRead() {
    let hub = hub(RoomWindows())
    hub.handle([.want(RoomModel.room, isRepeated: false)], now: 0)
    #expect(hub.takeJobs(now: 0).isEmpty)
  }

  /// Who was told that a message is stored finds it, although the hub's thread has not come to it.
  @Test func whatIsCommittedHereIsSeenBeforeItIsAcknowledged() {
    let windows = RoomWindows()
    var model = RoomModel()
    let hub = settled(windows, &model)
    model.send()
    windows.heard([model.events[5]])
    #expect(lastSeq(windows) == 6)
    for _ in 0..<2 { model.send() }
    windows.heard([model.events[7]])
    #expect(lastSeq(windows) == nil, "one before it is missing")
    hub.handle([.events(Array(model.events[5...]))], now: 0)
    #expect(lastSeq(windows) == 8)
  }

  /// Committed just before the window is made, it is still in the hub's queue.
  @Test func aNewWindowAnswersOnceWhatWasQueuedBeforeIsApplied() {
    let windows = RoomWindows()
    var model = RoomModel()
    for _ in 0..<5 { model.send() }
    let hub = hub(windows)
    hub.handle([.want(RoomModel.room, isRepeated: true)], now: 0)
    _ = hub.takeJobs(now: 0)
    hub.handle([.loaded(RoomModel.room.id, model.tail())], now: 0)
    #expect(lastSeq(windows) == nil)
    model.send()
    hub.handle([.events(model.events)] + hub.takePublished().map(HubMessage.confirm), now: 0)
    #expect(lastSeq(windows) == 6)
  }

  /// Whatever was committed here reached the window first, and made a copy of the block.
  @Test func aTailAndItsWindowHaveOneCopyOfAFullBlock() throws {
    var model = RoomModel()
    let tail = model.tail()
    var (mine, theirs) = (tail.recent, tail.recent)
    for _ in 0..<70 { model.send() }
    for message in model.messages {
      _ = mine.append(message)
      _ = theirs.append(message)
    }
    #expect(mine.fullBlock(of: 70) == nil)
    let block = try #require(mine.fullBlock(of: 1))
    #expect(!isShared(theirs.block(of: 1), block))
    theirs.share(block)
    #expect(isShared(theirs.block(of: 1), block))
    model.edit(3)
    _ = theirs.replace(model.messages[2])
    theirs.share(block)
    #expect(!isShared(theirs.block(of: 3), block), "it is newer")
  }

  private func isShared(_ one: MessageBlock?, _ other: MessageBlock) -> Bool {
    let (one, other) = (one?.objects(of: 1...1) ?? [], other.objects(of: 1...1))
    return unsafe one.withUnsafeBytes { one in unsafe other.withUnsafeBytes { unsafe one.baseAddress == $0.baseAddress }
    }
  }

  @Test func olderMessagesOfAllWindowsHaveABoundTogether() throws {
    var limits = RoomWindows.Limits()
    limits.olderBytes = 1 << 20
    let windows = RoomWindows(limits: limits)
    var model = RoomModel()
    for _ in 0..<9_000 { model.send() }
    let tail = model.tail()
    for id in Int64(1)...8 {
      var room = RoomModel.room
      room.id = id
      var content = PageWindow(position: tail.position, recent: tail.recent, olderBytes: windows.olderBytesOfNext)
      for block in Int64(0)..<120 {
        content.insert(block: block, model.messages.filter { MessageBlock.number(of: $0.seq) == block }, changes: [])
      }
      windows.publish(RoomWindow(room, content, now: 0))
    }
    windows.sweep(now: 0)
    #expect(windows.byteCount <= limits.olderBytes + 8 * tail.recent.byteCount)
    #expect(windows.byteCount > limits.olderBytes / 2 + 8 * tail.recent.byteCount)
  }

  @Test func aLaneThatIsBehindOrWasSkippedAnswersNothing() {
    let windows = RoomWindows()
    var model = RoomModel()
    let hub = settled(windows, &model)
    hub.handle([.heads([LaneHead(lane: 0, head: 6, indexed: 0)])], now: 0)
    #expect(lastSeq(windows) == nil)
    model.send()
    hub.handle([.events(Array(model.events[5...]))], now: 0)
    #expect(lastSeq(windows) == 6)
    hub.handle([.heads([LaneHead(lane: 0, head: 100_000, indexed: 0)])], now: 0)
    #expect(!windows.has(RoomModel.room.id))
  }

  /// Hazard 11: a change that happens while an older block is read must not be lost in it.
  @Test(.timeLimit(.minutes(1))) func aChangeDuringAReadIsInTheBlock() async throws {
    var model = RoomModel()
    for _ in 0..<1_500 { model.send() }
    let content = PageWindow(position: model.position, recent: model.tail().recent, olderBytes: 1 << 20)
    let window = RoomWindow(RoomModel.room, content, now: 0)
    window.confirm()
    let query = try HistoryQuery(before: 101, after: nil, around: nil, limit: 100)
    guard case .missing(let seqs) = window.answer(query, now: 0) else {
      Issue.record("the block is not held yet")
      return
    }
    let old = model.messages
    model.edit(50)
    model.delete(60)
    let changes = Array(model.events[1_500...])
    let history = ReadHook(old) { for event in changes { window.heard(event) } }
    try await window.fill(seqs, history: history, journal: MemoryJournal())
    guard case .page(let page) = window.answer(query, now: 0) else {
      Issue.record("the block was read")
      return
    }
    let text = String(decoding: page.json, as: UTF8.self)
    #expect(page.messageCount == 99 && text.contains("edited at") && !text.contains("\"seq\":60,"))
  }
}

/// Answers with what was true before something happened during the read.
private struct ReadHook: History {
  let messages: [Message]
  let during: @Sendable () -> Void

  init(_ messages: [Message], during: @escaping @Sendable () -> Void) {
    self.messages = messages
    self.during = during
  }

  func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    during()
    return messages.filter { seqs.contains($0.seq) }
  }

  func messages(in room: Room, seqs: [Int64]) async throws -> [Message] { [] }
}
