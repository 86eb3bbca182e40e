import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// The indexer's rate as a ratio to bare `_bulk` requests of the same documents, rendered beforehand, two in flight.
///
/// Runs only where `PALAVER_MEASURE` is set beside `PALAVER_TEST_ELASTICSEARCH`; build with `-c release`.
@Suite(
  .enabled(if: TestElasticsearch.isThere && ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil),
  .serialized)
struct IndexerMeasurement {
  private static let documents = 40_000
  private static let words = (0..<5_000).map { String(UInt64($0) &* 0x9E37_79B9_7F4A_7C15 >> 30, radix: 36) }

  private static func text(_ number: Int) -> String {
    (0..<24).map { words[Int(truncatingIfNeeded: UInt64(number * 31 + $0 * $0 * 7) &* 0x9E37_79B9 >> 8) % words.count] }
      .joined(separator: " ")
  }

  private static let journal: MemoryJournal = {
    let journal = MemoryJournal(laneCount: 16)
    for number in 0..<documents {
      journal.append(.sent(room: Int64(number % 500 + 1), seq: Int64(number / 500 + 1), text(number)))
    }
    return journal
  }()

  @Test func drainingAgainstBareBulks() async throws {
    var rates: [String: [Double]] = [:]
    for kind in ["bare", "indexer", "indexer", "bare", "bare", "indexer", "indexer", "bare"] {
      try await TestElasticsearch.with("measure") { elastic in
        let seconds = try await kind == "bare" ? bare(elastic) : drain(elastic)
        rates[kind, default: []].append(Double(Self.documents) / seconds)
      }
    }
    for (kind, rates) in rates { print(kind, rates.map { Int($0) }, "documents/s") }
    func median(_ kind: String) -> Double { rates[kind]?.sorted()[2] ?? 0 }
    print("ratio of medians", median("indexer") / median("bare"))
    render()
  }

  private func drain(_ elastic: TestElasticsearch) async throws -> Double {
    Self.journal.rewindCursors()
    let start = ContinuousClock.now
    try await running(elastic.indexer(Self.journal)) { Self.journal.isDrained }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private func bare(_ elastic: TestElasticsearch) async throws -> Double {
    var bodies: [[UInt8]] = []
    for lane in 0..<16 {
      var after = Int64(0)
      while case let events = try await Self.journal.events(lane: lane, after: after, limit: 1_000), !events.isEmpty {
        var batch = BulkBatch()
        for event in events { batch.append(event) }
        bodies.append(batch.body)
        after = events.last?.position ?? .max
      }
    }
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, body) in bodies.enumerated() {
        if index >= 2 { try await group.next() }
        group.addTask {
          _ = try await elastic.client.bulk(into: elastic.names.write, body: body, timeout: .seconds(30))
        }
      }
      try await group.waitForAll()
    }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private func render() {
    let events = (0..<1_000).map { RoomEvent.sent(seq: Int64($0), Self.text($0)) }
    let start = ContinuousClock.now
    var bytes = 0
    for _ in 0..<100 {
      var batch = BulkBatch()
      for event in events { batch.append(event) }
      bytes += batch.body.count
    }
    print(
      "rendering", Int(100_000 / ((ContinuousClock.now - start) / .seconds(1))), "documents/s", bytes / 100_000,
      "bytes each")
  }
}
