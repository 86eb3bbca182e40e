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
    var rawClients = 2
    var httpWriters = 2
    var style = FaultSchedule.Style.everything
    /// Something that no honest part of the product does, once, while nothing is indexed: the run must find it.
    var sabotage: Sabotage?
    /// How long it may take until all is quiet in the end, ms.
    var patience = 120_000
    /// Events older than this look, to the indexers, as if they had been in the journal for days, ms.
    var journalAge = 40_000

    var settlesWithoutRedis: Bool { seed % 2 == 0 }
  }

  enum Sabotage: Sendable {
    /// The indexers' cursors move before what they pass is in the index.
    case moveCursors
    /// Documents hold another text, as if a conflict had been taken for success.
    case replaceDocuments
  }

  struct Outcome: Sendable, CustomStringConvertible {
    var plan: Plan
    var rounds: [String]
    var faults: Int
    /// What did not become quiet in the end.
    var unsettled: [String]
    var verdict: Verdict
    /// Why connections ended, the most frequent first.
    var ends: [String]
    /// Errors that clients were answered, by their words.
    var errors: [String: Int]

    var isClean: Bool { unsettled.isEmpty && verdict.isClean }

    var description: String {
      let summary = "seed \(plan.seed), \(faults) faults in \(rounds.count) rounds; \(verdict)"
      let words = errors.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
      let told = "Errors answered: \(words.isEmpty ? "none" : words)"
      return isClean
        ? [summary, told].joined(separator: "\n")
        : ([summary, told] + unsettled + ["Connections ended:"] + ends.prefix(12) + ["The rounds:"] + rounds).joined(
          separator: "\n")
    }
  }

  let plan: Plan
  let stack: FaultyStack
  let clock = RunClock()
  private let phase = RunPhase()
  let recorder = Recorder()
  private let report: @Sendable (String) -> Void
  private var rounds: [String] = []
  private var faults = 0
  private(set) var clients: [ChatClient] = []
  private(set) var rawClients: [RawChatClient] = []
  private(set) var writers: [HTTPWriter] = []

  /// - Parameter report: takes a line a round.
  init(_ plan: Plan, stack: FaultyStack, report: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    self.stack = stack
    self.report = report
  }

  func run() throws -> Outcome {
    let rooms = try (0..<plan.rooms).map { try makeRoom($0) }
    for number in 0..<plan.clients { try makeUser(Self.user(number)) }
    for number in 0..<plan.rawClients { try makeUser(RawUser.prefix + "\(number)") }
    for number in 0..<plan.httpWriters { try makeUser("http-\(number)") }
    clients = makeClients(rooms)
    makeOthers(rooms)
    let threads = start(rooms)
    defer {
      phase.current = .over
      clock.end()
      for thread in threads { thread.join() }
    }
    try breakThings()
    try stack.heal()
    if let sabotage = plan.sabotage { try carryOut(sabotage, in: rooms) }
    // A publish that is lost is made up for by the next one; the last ones of a run have none after them.
    if plan.settlesWithoutRedis { try stack.backends.kill(.redis) }
    phase.current = .settling
    let unsettled = settle(rooms)
    phase.current = .over
    if plan.settlesWithoutRedis { try stack.backends.start(.redis) }
    for client in clients { _ = clock.wait(upTo: 5_000) { client.isOver } }
    for client in rawClients { _ = clock.wait(upTo: 5_000) { client.isOver } }
    return Outcome(
      plan: plan, rounds: rounds, faults: faults, unsettled: unsettled, verdict: try check(rooms), ends: ends,
      errors: recorder.errorCounts)
  }

  private func makeRoom(_ number: Int) throws -> Int64 {
    let reply = try stack.http(0).post(
      "/v1/chatrooms", JSONValue(parsing: #"{"name": "faults \#(number) \#(UInt32.random(in: 0 ... .max))"}"#))
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

  private func makeOthers(_ rooms: [Int64]) {
    rawClients = (0..<plan.rawClients).map {
      RawChatClient(
        number: $0, room: rooms[$0 % rooms.count], ports: ports, seed: plan.seed &* 2_000 &+ UInt64($0), clock: clock,
        phase: phase, recorder: recorder)
    }
    writers = (0..<plan.httpWriters).map {
      HTTPWriter(
        name: "http-\($0)", rooms: rooms, ports: ports, seed: plan.seed &* 3_000 &+ UInt64($0), clock: clock,
        phase: phase, recorder: recorder)
    }
  }

  private var ports: [Int] { (0..<FaultyStack.serverCount).map { stack.port($0) } }

  private func start(_ rooms: [Int64]) -> [WorkerThread] {
    let reader = PageReader(
      name: "reader", rooms: rooms, ports: ports, clock: clock, phase: phase, recorder: recorder)
    let seed = plan.seed
    let chatting =
      clients.map { client in WorkerThread(name: client.name) { client.run() } }
      + rawClients.map { client in WorkerThread(name: client.name) { client.run() } }
      + writers.map { writer in WorkerThread(name: writer.name) { writer.run() } }
    return chatting + [
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
    var schedule = FaultSchedule(seed: plan.seed, style: plan.style, shape: stack.shape)
    clock.wait(1_000)
    while rounds.count < plan.rounds || clock.now < plan.time {
      let round = schedule.nextRound()
      let line = "\(rounds.count + 1) at \(clock.now) ms: " + round.faults.map(\.description).joined(separator: "; ")
      rounds.append(line)
      faults += round.faults.count
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

  // MARK: Sabotage

  private func carryOut(_ sabotage: Sabotage, in rooms: [Int64]) throws {
    switch sabotage {
    case .moveCursors:
      stack.answer(.overloaded)
      clock.wait(1_500)
      try stack.backends.mariadb("UPDATE journal_lanes SET indexed = head")
      for index in stack.indexing { stack.kill(index) }
      for index in stack.indexing { try stack.start(index) }
      stack.answer(.honest)
    case .replaceDocuments:
      try FinalState(stack: stack).replaceDocuments(in: rooms)
    }
  }
}
