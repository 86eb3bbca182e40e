import ChatRooms
import Drivers
import Foundation

/// Carries out one erasure, sweep after sweep, until nothing is found. What it does may be done twice, and be broken off
/// anywhere.
struct ErasureRun {
  /// Changes that wait for the journal at once: a part of a batch, so that there is room for what others send.
  static let inFlight = 100
  /// Messages a second, so that indexers and clients keep up.
  static let rate = 2_000.0
  /// Sweeps before another erasure has its turn, and sweeps in vain before it is put off.
  private static let mostSweeps = 50
  private static let mostVainSweeps = 3
  /// How long another server waits before it takes over. Renewed with each page.
  private static let lease: Milliseconds = 10_000

  let erasure: Erasure
  let owner: String
  let ledger: ErasureLedger
  let traces: any MessageTraces
  let writer: JournalWriter
  let changed: Counter
  let forget: @Sendable (Set<RoomID>) async -> Void
  /// The states in which messages were changed here: the index shows them for a while.
  private var done: [MessageKey: Int64] = [:]
  private var due = ContinuousClock.now
  private var rooms: Set<RoomID> = []
  /// Messages changed.
  private var total = 0

  /// The lease is another server's by now.
  struct Lost: Error {}

  init(
    _ erasure: Erasure, owner: String, ledger: ErasureLedger, traces: any MessageTraces, writer: JournalWriter,
    changed: Counter, forget: @escaping @Sendable (Set<RoomID>) async -> Void
  ) {
    self.erasure = erasure
    self.owner = owner
    self.ledger = ledger
    self.traces = traces
    self.writer = writer
    self.changed = changed
    self.forget = forget
  }

  /// - Returns: why it is not finished; `nil` if it is.
  /// - Throws: what a back end says; the same may be tried again.
  mutating func run() async throws -> String? {
    try await renew()
    try await traces.settle()
    var vain = 0
    for _ in 0..<Self.mostSweeps where vain < Self.mostVainSweeps {
      let before = total
      var run = self
      let found = try await traces.sweep(erasure) { try await run.change($0) }
      self = run
      guard found > 0 else { return try await end() }
      vain = total == before ? vain + 1 : 0
      try await traces.catchUp()
      try await renew()
    }
    return "messages are left, in a room that is being imported or not indexed yet"
  }

  private func end() async throws -> String? {
    if let reason = try await traces.purge(erasure) { return reason }
    await forget(rooms)
    try await ledger.finish(erasure)
    return nil
  }

  private func renew() async throws {
    guard try await ledger.lease(erasure, owner: owner, for: Self.lease) else { throw Lost() }
  }

  // MARK: Changing messages

  private mutating func change(_ page: [MessageTrace]) async throws {
    let open = page.filter { trace in
      let message = trace.message
      return done[MessageKey(room: message.room, seq: message.seq)] ?? 0 < message.revised
    }
    for start in stride(from: 0, to: open.count, by: Self.inFlight) {
      try Task.checkCancellation()
      let part = open[start..<min(start + Self.inFlight, open.count)]
      try await pace(part.count)
      let count = try await submit(part)
      for trace in part {
        done[MessageKey(room: trace.message.room, seq: trace.message.seq)] = trace.message.revised
        rooms.insert(trace.room.id)
      }
      try await renew()
      guard count > 0 else { continue }
      total += count
      changed.add(count)
      try await ledger.count(count, of: erasure)
    }
  }

  private mutating func pace(_ count: Int) async throws {
    let now = ContinuousClock.now
    if due > now { try await Task.sleep(until: due, clock: .continuous) }
    due = max(due, now) + .seconds(Double(count) / Self.rate)
  }

  /// Returns how many were changed. One that somebody changed meanwhile, or whose room is being imported, is left to
  /// the next sweep.
  private func submit(_ traces: ArraySlice<MessageTrace>) async throws -> Int {
    let (writer, fate) = (writer, erasure.fate)
    return try await withThrowingTaskGroup(of: Int.self) { group in
      for trace in traces {
        group.addTask {
          do throws(ChatError) {
            _ = try await writer.submit(
              Submission(
                room: trace.room, action: .withdraw(base: trace.message, fate), actor: DeletedUser.user, ref: nil))
            return 1
          } catch {
            guard Self.isForTheNextSweep(error) else { throw error }
            return 0
          }
        }
      }
      return try await group.reduce(0, +)
    }
  }

  private static func isForTheNextSweep(_ error: ChatError) -> Bool {
    error.word == ChatError.messageChangedWord || error.word == "room_importing" || error.status == 404
  }
}
