import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct MySQLJournalConcurrencyTests {
  @Test func writersAtOnceLeaveNoHoleAnywhere() async throws {
    try await JournalFixture.with(rooms: 20) { fixture in
      try await Self.onThreads(4) { _ in
        let committer = fixture.journal.makeCommitter()
        for round in 0..<20 {
          var waiting = (0..<25).map { fixture.send("\(round)", to: Int64(($0 + round) % 20) + 1) }
          while !waiting.isEmpty {
            let outcomes = try Self.retrying { try committer.commit(waiting) }
            waiting = zip(waiting, outcomes).filter { $0.1.isBusy }.map(\.0)
          }
        }
      }
      var total = 0
      for head in try await fixture.journal.heads() {
        let events = try await fixture.journal.events(lane: head.lane, after: 0, limit: 10_000)
        #expect(events.map(\.position) == Array(1...max(1, head.head)).filter { $0 <= head.head })
        total += events.count
        for (_, room) in Dictionary(grouping: events, by: \.room) {
          #expect(room.map(\.event) == Array(1...Int64(room.count)))
          #expect(room.map(\.message.seq) == Array(1...Int64(room.count)))
        }
      }
      #expect(total == 4 * 20 * 25)
    }
  }

  @Test func oneRefFromManyWritersIsStoredOnce() async throws {
    try await JournalFixture.with { fixture in
      let results = Collected<(RoomEvent, Bool)>()
      try await Self.onThreads(4) { _ in
        let committer = fixture.journal.makeCommitter()
        for number in 0..<25 {
          let outcome = try Self.retrying { try fixture.commit(fixture.send("same", ref: "r\(number)"), committer) }
          if let event = outcome.event { results.append((event, outcome.isDuplicate ?? true)) }
        }
      }
      #expect(results.all.count == 100)
      #expect(results.all.filter { !$0.1 }.count == 25)
      #expect(Set(results.all.map(\.0.message.seq)) == Set(1...25))
      #expect(try await fixture.pool.query("SELECT * FROM journal").count == 25)
    }
  }

  @Test func anEditNeverFollowsADeletion() async throws {
    try await JournalFixture.with { fixture in
      let sent = try fixture.journal.makeCommitter().commit((0..<40).map { fixture.send("\($0)") }).compactMap(\.event)
      try await Self.onThreads(2) { thread in
        let committer = fixture.journal.makeCommitter()
        for event in sent {
          let action: Submission.Action =
            thread == 0 ? .delete(base: event.message) : .edit(base: event.message, text: "edited")
          let submission = Submission(room: fixture.room(1), action: action, actor: fixture.john, ref: nil)
          _ = try Self.retrying { try fixture.commit(submission, committer) }
        }
      }
      #expect(try await fixture.journal.messages(in: 1, seqs: 1...40).filter { !$0.isDeleted }.isEmpty)
      let events = try await fixture.journal.events(lane: 1, after: 0, limit: 1_000)
      #expect(events.map(\.event) == Array(1...Int64(events.count)))
    }
  }

  @Test func aLaneThatIsLockedIsBusyAndTheOthersGoOn() async throws {
    try await JournalFixture.with { fixture in
      let holder = try MySQLConnection(fixture.url)
      let committer = fixture.journal.makeCommitter()
      let batch = [fixture.send("a", to: 1), fixture.send("b", to: 2)]
      try holder.transaction {
        _ = try holder.query("SELECT * FROM journal_lanes WHERE lane = 1 FOR UPDATE")
        let outcomes = try committer.commit(batch)
        #expect(outcomes[0].isBusy)
        #expect(outcomes[1].event?.position == 1)
        #expect(try committer.commit([batch[0]])[0].isBusy)
      }
      #expect(try committer.commit([batch[0]])[0].event?.position == 1)
    }
  }

  /// A committer is killed again and again, at whatever point it has reached, and sends each batch until it knows.
  @Test func aKilledCommitIsResolvedAndNotDoubled() async throws {
    try await JournalFixture.with(rooms: 8) { fixture in
      let failures = Collected<Int>()
      let isDone = Collected<Bool>()
      let rounds = 150
      try await Self.onThreads(2) { thread in
        if thread == 1 {
          try Self.killOthers(of: fixture) { !isDone.all.isEmpty }
          return
        }
        defer { isDone.append(true) }
        let committer = fixture.journal.makeCommitter()
        for round in 0..<rounds {
          var waiting = (1...8).map { fixture.send("\(round)", to: Int64($0)) }
          while !waiting.isEmpty {
            do {
              let outcomes = try committer.commit(waiting)
              waiting = zip(waiting, outcomes).filter { $0.1.isBusy }.map(\.0)
            } catch { failures.append(round) }
          }
        }
      }
      #expect(!failures.all.isEmpty, "no kill hit: the test shows nothing")
      #expect(try await fixture.pool.query("SELECT * FROM journal").count == rounds * 8)
      for room in 1...Int64(8) {
        let messages = try await fixture.journal.messages(in: room, seqs: 1...Int64(rounds))
        #expect(messages.map(\.text) == (0..<rounds).map(String.init))
      }
    }
  }

  @Test func aConnectionThatEndedWhileIdleIsNotNoticed() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      _ = try committer.commit([fixture.send("a")])
      try Self.kill(fixture, onlyFirst: false)
      #expect(try committer.commit([fixture.send("b")])[0].event?.position == 2)
    }
  }
}

extension MySQLJournalConcurrencyTests {
  /// Threads of their own: commits block.
  static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        group.addTask {
          try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body(number) }) }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  static func retrying<Value>(_ body: () throws -> Value) throws -> Value {
    for _ in 0..<20 {
      do { return try body() } catch let error as SQLError where error.kind != .other { continue }
    }
    return try body()
  }

  static func killOthers(of fixture: JournalFixture, until isDone: () -> Bool) throws {
    while !isDone() { try kill(fixture, onlyFirst: true) }
  }

  /// Kills connections to the fixture's database that are in the middle of something.
  static func kill(_ fixture: JournalFixture, onlyFirst: Bool) throws {
    let killer = try MySQLConnection(fixture.url.selecting(database: nil))
    let rows = try killer.query(
      "SELECT id FROM information_schema.processlist WHERE db = ?\(onlyFirst ? " AND command <> 'Sleep'" : "")",
      [.optional(fixture.url.database)])
    for row in onlyFirst ? rows.prefix(1) : rows[...] {
      _ = try? killer.execute("KILL \(row.integer(0) ?? 0)")
    }
  }
}

/// What several threads collect.
final class Collected<Element: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var elements: [Element] = []

  func append(_ element: Element) { lock.withLock { elements.append(element) } }

  var all: [Element] { lock.withLock { elements } }
}
