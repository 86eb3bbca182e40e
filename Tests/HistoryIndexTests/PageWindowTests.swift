import ChatRooms
import Drivers
import TestSupport
import Testing

@testable import HistoryIndex

/// Pages from memory are what the stores would have given, whatever happens in the room.
@Suite struct PageWindowTests {
  private static let limits: [Int64] = [1, 2, 50, 200]
  private static let olderBytes = 1 << 18

  /// The page, computed from all messages.
  private func expected(_ query: HistoryQuery, _ model: RoomModel) -> RenderedPage {
    let visible = model.messages.filter { !$0.isDeleted }
    let before = visible.filter { $0.seq <= query.backward.seq }.suffix(query.backward.count)
    let after = query.forward.map { side in visible.filter { $0.seq >= side.seq }.prefix(side.count) } ?? []
    let shown = query.shown(before: before.count, after: after.count)
    return RenderedPage(
      HistoryPage(
        messages: before.suffix(shown.before) + after.prefix(shown.after), hasMoreBefore: before.count > shown.before,
        hasMoreAfter: after.count > shown.after, position: model.position))
  }

  private func randomQuery(_ model: RoomModel, _ random: inout SplitMix64) throws -> HistoryQuery {
    let seq = Int64.random(in: 0...model.position.lastSeq + 2, using: &random)
    let limit = Self.limits.randomElement(using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return try HistoryQuery(before: nil, after: nil, around: nil, limit: limit)
    case 1: return try HistoryQuery(before: seq, after: nil, around: nil, limit: limit)
    case 2: return try HistoryQuery(before: nil, after: seq, around: nil, limit: limit)
    default: return try HistoryQuery(before: nil, after: nil, around: seq, limit: limit)
    }
  }

  private func window(of model: RoomModel, olderBytes: Int = Self.olderBytes) -> PageWindow {
    PageWindow(position: model.position, recent: model.tail().recent, olderBytes: olderBytes)
  }

  private func messages(_ seqs: ClosedRange<Int64>, of model: RoomModel) -> [Message] {
    model.messages.filter { seqs.contains($0.seq) }
  }

  /// Answers after reading what is missing, as `HistoryPages` does; changes may come while it is read.
  private func answer(
    _ query: HistoryQuery, _ window: inout PageWindow, _ model: inout RoomModel, _ random: inout SplitMix64
  ) throws -> RenderedPage? {
    for _ in 0..<20 {
      switch window.answer(query) {
      case .page(let page): return page
      case .behind: return nil
      case .missing(let seqs):
        #expect(seqs.count <= HistoryLimits.block && seqs.upperBound <= model.position.lastSeq)
        let read = messages(seqs, of: model)
        let before = model.events.count
        for _ in 0..<Int.random(in: 0...3, using: &random) { model.step(using: &random) }
        let changes = Array(model.events[before...])
        for event in changes {
          let isApplied = window.apply(event)
          #expect(isApplied)
        }
        for block in MessageBlock.number(of: seqs.lowerBound)...MessageBlock.number(of: seqs.upperBound) {
          let part = read.filter { MessageBlock.seqs(of: block).contains($0.seq) }
          window.insert(block: block, part, changes: changes)
        }
      }
    }
    Issue.record("\(query) is never answered")
    return nil
  }

  @Test(arguments: 0..<4) func pagesAreWhatTheStoresWouldHaveGiven(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    for _ in 0..<[0, 30, 1_500, 3_000][Int(seed)] { model.step(using: &random) }
    var window = window(of: model)
    for _ in 0..<60 {
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        model.step(using: &random)
        let isApplied = window.apply(model.events[model.events.count - 1])
        #expect(isApplied)
      }
      let query = try randomQuery(model, &random)
      let page = try answer(query, &window, &model, &random)
      #expect(page?.json == expected(query, model).json, "\(query)")
      let again = try answer(query, &window, &model, &random)
      #expect(again === page, "rendered once")
    }
  }

  @Test func aJumpIntoThePastIsReadAtOnce() throws {
    var model = RoomModel()
    for _ in 0..<5_000 { model.send() }
    for seq in stride(from: Int64(100), to: 2_000, by: 37) {
      var window = window(of: model)
      let query = try HistoryQuery(before: nil, after: nil, around: seq, limit: 50)
      guard case .missing(let seqs) = window.answer(query) else {
        Issue.record("nothing is missing")
        return
      }
      for block in MessageBlock.number(of: seqs.lowerBound)...MessageBlock.number(of: seqs.upperBound) {
        window.insert(block: block, messages(MessageBlock.seqs(of: block), of: model), changes: [])
      }
      guard case .page(let page) = window.answer(query) else {
        Issue.record("a second read for \(seq)")
        return
      }
      #expect(page.json == expected(query, model).json)
    }
  }

  @Test func aLongRunOfDeletedMessagesIsReadInBoundedPieces() throws {
    var random = SplitMix64(seed: 1)
    var model = RoomModel()
    for _ in 0..<3_500 { model.send() }
    for seq in Int64(100)...2_400 { model.delete(seq) }
    var window = window(of: model, olderBytes: 1 << 20)
    let query = try HistoryQuery(before: 2_450, after: nil, around: nil, limit: 100)
    let page = try answer(query, &window, &model, &random)
    #expect(page?.json == expected(query, model).json)
  }

  /// A block that is read may reach into the newest messages, and is all that is left of them later.
  @Test func aChangeIsSeenInTheNewestMessagesAndInTheBlockBeside() throws {
    var random = SplitMix64(seed: 1)
    var model = RoomModel()
    for _ in 0..<1_090 { model.send() }
    var window = window(of: model)
    let query = try HistoryQuery(before: 91, after: nil, around: nil, limit: 50)
    _ = try answer(query, &window, &model, &random)
    model.edit(100)
    for _ in 0..<1_500 { model.send() }
    for event in model.events where event.event > window.position.lastEvent {
      let isApplied = window.apply(event)
      #expect(isApplied)
    }
    let later = try HistoryQuery(before: 111, after: nil, around: nil, limit: 50)
    let page = try answer(later, &window, &model, &random)
    #expect(page?.json == expected(later, model).json)
  }

  @Test func aWindowTakesNoMoreThanItMayHoweverLongTheRoomIs() throws {
    var random = SplitMix64(seed: 1)
    var model = RoomModel()
    var window = window(of: model)
    var bytes: [Int] = []
    for _ in 0..<6 {
      for _ in 0..<2_000 { model.send() }
      for event in model.events.suffix(2_000) {
        let isApplied = window.apply(event)
        #expect(isApplied)
      }
      for before in stride(from: Int64(1), to: model.position.lastSeq, by: 400) {
        _ = try answer(try HistoryQuery(before: before, after: nil, around: nil, limit: 50), &window, &model, &random)
      }
      bytes.append(window.byteCount)
    }
    // A message of the model takes about 160 bytes, and 24 beside.
    #expect(bytes.max() ?? 0 <= Self.olderBytes + 1_100 * 200 + 20_000, "\(bytes)")
  }

  @Test func answersNothingWhileEventsAreKnownThatHaveNotCome() throws {
    var model = RoomModel()
    for _ in 0..<5 { model.send() }
    var window = window(of: model)
    let query = try HistoryQuery(before: nil, after: nil, around: nil, limit: nil)
    for _ in 0..<2 { model.send() }
    window.heard(model.events[6])
    guard case .behind = window.answer(query) else {
      Issue.record("an event is missing")
      return
    }
    for event in model.events {
      let isApplied = window.apply(event)
      #expect(isApplied)
    }
    guard case .page(let page) = window.answer(query) else {
      Issue.record("nothing is missing")
      return
    }
    #expect(page.json == expected(query, model).json)
  }

  @Test func cannotFollowWhereMessagesCameAnotherWay() {
    var model = RoomModel()
    model.send()
    var window = window(of: model)
    for _ in 0..<2 { model.send() }
    let isApplied = window.apply(model.events[2])
    #expect(!isApplied)
  }

  /// What a page costs that is asked for again, and one that has to be put together of rendered messages.
  @Test func aWarmPageIsMadeWithoutRenderingAgain() throws {
    var model = RoomModel()
    for _ in 0..<300 { model.send() }
    var window = window(of: model)
    let query = try HistoryQuery(before: nil, after: nil, around: nil, limit: 100)
    _ = window.answer(query)
    let again = WorkCounts.ofThread { _ = window.answer(query) }
    #expect(again.allocations == 0 && again.writes == 0)
    model.send()
    let isApplied = window.apply(model.events[300])
    #expect(isApplied)
    let next = WorkCounts.ofThread { _ = window.answer(query) }
    // Code that is not optimised allocates for what a release does not: 657 were counted.
    #expect(next.allocations <= 800, "one message is new, the others are not rendered again")
  }
}
