import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct JournalWriterTests {
  /// Assigns positions in memory, fails or finds lanes busy as it is told, and remembers refs.
  final class Committer: JournalCommitter, @unchecked Sendable {
    let batch = 400
    var position: Int64 = 0
    var stored: [String: RoomEvent] = [:]
    var script: [Step]
    enum Step {
      case fail(SQLError.Kind)
      case failAfterCommit, busy
    }

    init(_ script: [Step]) { self.script = script }

    func commit(_ batch: [Submission]) throws -> [Outcome] {
      let step = script.isEmpty ? nil : script.removeFirst()
      if case .fail(let kind) = step { throw SQLError(kind: kind, code: 0, message: "told to") }
      if case .busy = step { return batch.map { _ in .busy } }
      let outcomes = batch.map(store)
      if case .failAfterCommit = step { throw SQLError(kind: .unavailable, code: 0, message: "gone away") }
      return outcomes
    }

    private func store(_ submission: Submission) -> Outcome {
      if let event = stored[submission.ref] { return .committed(event, duplicate: true) }
      position += 1
      let message = Message(
        room: submission.room.id, seq: position, event: position, revised: position, user: "u", userID: 1, text: "",
        timestamp: 0, ref: submission.ref)
      let event = RoomEvent(
        kind: .message, event: position, lastSeq: position, message: message, timestamp: 0, lane: 0,
        position: position, routing: "", roomKind: .public, nonce: submission.nonce)
      stored[submission.ref] = event
      return .committed(event, duplicate: false)
    }
  }

  struct Lane: Journal {
    let committer: Committer
    var laneCount: Int { 1 }
    func makeCommitter() -> any JournalCommitter { committer }
    func heads() async throws -> [LaneHead] { [] }
    func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] { [] }
    func position(of room: RoomID) async throws -> RoomPosition? { nil }
    func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] { [] }
    func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] { [] }
    func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] { [] }
  }

  private func writer(
    _ script: [Committer.Step], patience: TimeInterval = 3
  ) -> JournalWriter {
    var limits = JournalWriter.Limits()
    limits.patience = patience
    return JournalWriter(
      journal: Lane(committer: Committer(script)), writers: 1, limits: limits, metrics: Metrics(), log: .silent
    ) { _ in }
  }

  private func submission(_ ref: String) -> Submission {
    Submission(
      room: RoomModel.room, action: .send(text: "x", data: nil, replyTo: nil),
      actor: User(id: 1, name: "u", displayName: nil, createdAt: 0), ref: ref)
  }

  @Test func oneSendersMessagesKeepTheirOrder() async throws {
    let writer = writer([.busy, .fail(.conflict)])
    defer { writer.stop() }
    let events = try await withThrowingTaskGroup(of: (Int, Int64).self) { group in
      for number in 0..<200 {
        let result = AsyncStream<Result<JournalWriter.Committed, ChatError>>.makeStream()
        writer.submit(submission("r\(number)")) { result.continuation.yield($0) }
        group.addTask {
          for await committed in result.stream { return (number, try committed.get().event.event) }
          return (number, 0)
        }
      }
      var events: [Int: Int64] = [:]
      for try await (number, event) in group { events[number] = event }
      return events
    }
    #expect((0..<200).map { events[$0] } == (1...200).map { Int64($0) })
  }

  @Test func anUnknownCommitIsResolvedByItsRefAndIsNoDuplicate() async throws {
    let writer = writer([.failAfterCommit])
    defer { writer.stop() }
    let first = try await writer.submit(submission("a"))
    #expect(first.event.event == 1 && !first.isDuplicate)
    let again = try await writer.submit(submission("a"))
    #expect(again.event.event == 1 && again.isDuplicate)
  }

  @Test func whatCannotBeCommittedIsAnsweredUnavailable() async throws {
    let writer = writer(Array(repeating: .fail(.unavailable), count: 100), patience: 0.05)
    defer { writer.stop() }
    await #expect(throws: ChatError.unavailable("The journal")) { try await writer.submit(submission("a")) }
  }
}
