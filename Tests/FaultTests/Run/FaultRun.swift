import Drivers
import Foundation
import TestSupport

/// Clients chat on two servers while everything around them breaks; then all is mended, everybody catches up, and what
/// is stored is compared with what was said.
final class FaultRun: @unchecked Sendable {
  struct Plan: Sendable {
    var seed: UInt64
    /// Rounds of faults at least, and time at least, ms.
    var rounds = 20
    var time: RunTime = 0
    var rooms = 8
    var clients = 12
    /// How long it may take until all is quiet in the end, ms.
    var patience = 60_000
    /// Events older than this look, to the indexers, as if they had been in the journal for days, ms.
    var journalAge = 40_000

    var settlesWithoutRedis: Bool { seed % 2 == 0 }
  }

  struct Outcome: Sendable, CustomStringConvertible {
    var plan: Plan
    var rounds: [String]
    /// What did not become quiet in the end.
    var unsettled: [String]
    var verdict: Verdict
    /// Why connections ended, the most frequent first.
    var ends: [String]

    var isClean: Bool { unsettled.isEmpty && verdict.isClean }

    var description: String {
      let summary = "seed \(plan.seed), \(rounds.count) rounds of faults; \(verdict)"
      return isClean
        ? summary
        : ([summary] + unsettled + ["Connections ended:"] + ends + ["The rounds:"] + rounds).joined(separator: "\n")
    }
  }

  private let plan: Plan
  private let stack: FaultyStack
  private let clock = RunClock()
  private let phase = RunPhase()
  private let recorder = Recorder()
  private let report: @Sendable (String) -> Void
  private var rounds: [String] = []
  private var clients: [ChatClient] = []

  /// - Parameter report: takes a line a round.
  init(_ plan: Plan, stack: FaultyStack, report: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    self.stack = stack
    self.report = report
  }

  func run() throws -> Outcome {
    let rooms = try (0..<plan.rooms).map { try makeRoom($0) }
    for number in 0..<plan.clients { try makeUser(Self.user(number)) }
    clients = makeClients(rooms)
    let threads = start(rooms)
    defer {
      phase.current = .over
      clock.end()
      for thread in threads { thread.join() }
    }
    try breakThings()
    try stack.heal()
    // A publish that is lost is made up for by the next one; the last ones of a run have none after them.
    if plan.settlesWithoutRedis { try stack.backends.kill(.redis) }
    phase.current = .settling
    let unsettled = settle(rooms)
    phase.current = .over
    if plan.settlesWithoutRedis { try stack.backends.start(.redis) }
    for client in clients { _ = clock.wait(upTo: 5_000) { client.isOver } }
    return Outcome(plan: plan, rounds: rounds, unsettled: unsettled, verdict: try check(rooms), ends: ends)
  }

  private func makeRoom(_ number: Int) throws -> Int64 {
    let reply = try stack.http(0).post("/v1/chatrooms", JSONValue(parsing: #"{"name": "faults \#(number)"}"#))
    guard let id = reply["id"]?.integer else { throw TestSupportError("no room: \(reply)") }
    return id
  }

  private func makeUser(_ name: String) throws {
    let reply = try stack.http(0).post("/v1/users", JSONValue(parsing: #"{"name": "\#(name)"}"#))
    guard [200, 409].contains(reply.status) else { throw TestSupportError("no user: \(reply)") }
  }

  /// Two clients share each user.
  private static func user(_ client: Int) -> String { "user-\(client / 2)" }

  /// Some follow one room and some several; changes of one message by two clients meet.
  private func makeClients(_ rooms: [Int64]) -> [ChatClient] {
    let ports = (0..<FaultyStack.serverCount).map { stack.port($0) }
    return (0..<plan.clients).map { number in
      let some = (0..<3).map { rooms[(number / 2 + $0 * 3) % rooms.count] }
      return ChatClient(
        name: "client-\(number)", user: Self.user(number),
        style: number % 2 == 0 ? .room(rooms[(number / 2) % rooms.count]) : .many(Array(Set(some)).sorted()),
        ports: ports, seed: plan.seed &* 1_000 &+ UInt64(number), clock: clock, phase: phase, recorder: recorder)
    }
  }

  private func start(_ rooms: [Int64]) -> [WorkerThread] {
    let ports = (0..<FaultyStack.serverCount).map { stack.port($0) }
    let reader = PageReader(
      name: "reader", rooms: rooms, ports: ports, clock: clock, phase: phase, recorder: recorder)
    let seed = plan.seed
    return clients.map { client in WorkerThread(name: client.name) { client.run() } } + [
      WorkerThread(name: "reader") { reader.run(seed: seed) }, WorkerThread(name: "ager") { [self] in ageJournal() },
    ]
  }

  /// Journals are trimmed after hours; here, while clients join and pages are read.
  private func ageJournal() {
    while phase.current == .working {
      clock.wait(5_000)
      _ = try? stack.backends.ageJournal(olderThan: plan.journalAge)
    }
  }

  // MARK: Faults

  private func breakThings() throws {
    var schedule = FaultSchedule(seed: plan.seed)
    clock.wait(1_000)
    while rounds.count < plan.rounds || clock.now < plan.time {
      let round = schedule.nextRound()
      let line = "\(rounds.count + 1) at \(clock.now) ms: " + round.faults.map(\.description).joined(separator: "; ")
      rounds.append(line)
      report(line)
      try suffer(round)
      clock.wait(round.calm)
    }
  }

  private func suffer(_ round: FaultSchedule.Round) throws {
    _ = try concurrently(round.faults.count) { [stack, clock] index in
      clock.wait(index * round.offset)
      try stack.suffer(round.faults[index], clock: clock)
    }
  }

  // MARK: The end

  /// Waits until nobody has anything open, everybody is where their rooms are, and the index has it all.
  private func settle(_ rooms: [Int64]) -> [String] {
    let final = FinalState(stack: stack)
    var complaints = ["not looked at"]
    _ = clock.wait(upTo: plan.patience, every: 300) {
      let ends = rooms.reduce(into: [Int64: Int64]()) { $0[$1] = final.lastEvent(of: $1) }
      complaints = clients.flatMap { client -> [String] in
        let status = client.status
        var lines: [String] = []
        if status.pending > 0 { lines.append("\(client.name) still waits for \(status.pending) answers") }
        for room in client.rooms where ends[room] == nil || status.positions[room] != ends[room] {
          lines.append(
            "\(client.name) is at \(status.positions[room] ?? -1) of room \(room), which is at \(ends[room] ?? -1)")
        }
        return lines
      }
      let left = (try? final.unindexed()) ?? -1
      if left != 0 { complaints.append("\(left) events are not indexed") }
      return complaints.isEmpty
    }
    return complaints
  }

  private var ends: [String] {
    let reasons = Dictionary(grouping: recorder.collected.subscriptions.compactMap(\.end)) { $0.prefix(160) }
    return reasons.sorted { $0.value.count > $1.value.count }.prefix(12).map { "\($0.value.count) × \($0.key)" }
  }

  private func check(_ rooms: [Int64]) throws -> Verdict {
    let final = FinalState(stack: stack)
    var evidence = recorder.collected
    for room in rooms {
      for server in 0..<FaultyStack.serverCount { evidence.rooms.append(try final.room(room, server: server)) }
    }
    evidence.documents = try final.indexed()
    return Checker.check(evidence)
  }
}
