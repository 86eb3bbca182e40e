import Foundation

/// A run from beginning to end: what is needed is made, the load is brought up, measured, and let run out.
///
/// `Workloads.swift` says what each workload consists of.
public final class BenchRun {
  /// What is going on: its name, how much was done of it, the share of it where that can be known.
  public struct Progress: Sendable {
    public var done: Int64
    public var unit: String
    public var fraction: Double?
  }

  /// Nanoseconds that connecting and filling rooms may take, and besides for each join; and that answers may come late.
  private static let patience = 60 * NanosecondClock.second
  private static let patienceForJoin = 10 * NanosecondClock.millisecond
  private static let lateness = 15 * NanosecondClock.second

  /// Messages that one connection puts into a room ahead: below the burst that a server grants it.
  private static let mostMessagesToFill = 500

  let options: BenchOptions
  let state: RunState
  private let report: (Progress) -> Void
  private(set) var span = MeasuredSpan(start: 0, end: 0)
  private(set) var figures: [BenchFigure] = []
  var server: ServerProcess? { options.process.map(ServerProcess.init) }

  /// - Throws: `BenchError` where the server's name is not known or the process may open too few files.
  public init(_ options: BenchOptions, progress: @escaping (Progress) -> Void) throws(BenchError) {
    self.options = options
    report = progress
    try OpenFiles.allow(options.clients + 200)
    let address = try ServerAddress(host: options.host, port: options.port)
    state = RunState(
      loop: try LoadLoop(address: address, seed: options.seed),
      requests: RequestWriter(authority: address.authority, token: options.token),
      runName: Self.freshName(), textSize: options.size, seed: options.seed)
  }

  private static func freshName() -> String { "b" + String(UInt32.random(in: .min ... .max), radix: 36) }

  /// Runs it on this thread, which is busy until it ends.
  ///
  /// - Throws: `BenchError` where the server refuses or does not answer.
  public func run() throws(BenchError) -> BenchReport {
    defer { state.loop.closeAll() }
    let setup = BenchSetup(state: state, options: options)
    try setup.prepare()
    let outcome = try perform()
    if !options.keepsRooms {
      state.loop.closeAll()
      setup.tidyUp()
    }
    return BenchReport(
      workload: options.workload, load: outcome.load, seconds: span.seconds, measures: outcome.measures.map(\.result),
      figures: figures, checked: outcome.checked, breachCounts: state.loop.breaches.counts,
      breaches: state.loop.breaches.first)
  }

  // MARK: - Steps of every workload

  func addFigure(_ name: String, _ value: Double, _ title: String) {
    figures.append(BenchFigure(name: name, value: value, title: title))
  }

  /// Runs the loop until something that must come has come.
  func wait(for what: String, _ isDone: (Int64) -> Bool) throws(BenchError) {
    let patience = Self.patience + Int64(options.clients * options.roomsPerSocket) * Self.patienceForJoin
    guard state.loop.run(until: NanosecondClock.now + patience, isDone: isDone) else {
      throw BenchError("after \(patience / NanosecondClock.second) s there was still no end of \(what)")
    }
  }

  /// Gives each room its first messages.
  func fillRooms() throws(BenchError) {
    guard options.messages > 0 else { return }
    let connectionsOfRoom = (options.messages + Self.mostMessagesToFill - 1) / Self.mostMessagesToFill
    let quota = (options.messages + connectionsOfRoom - 1) / connectionsOfRoom
    let connections = connectionsOfRoom * options.rooms
    let before = state.messageCount
    let senders = try joinedSenders(connections, pace: .window(options.window), quota: quota)
    senders.start(at: NanosecondClock.now, until: .max, seed: options.seed)
    let total = Double(connections * quota)
    try wait(for: "filling the rooms") { _ in
      let done = Int64(state.messageCount - before)
      report(Progress(done: done, unit: "messages to begin with", fraction: min(1, Double(done) / total)))
      return senders.isQuotaUsed
    }
    senders.close()
  }

  /// Lets the load run through warm-up and measured span.
  ///
  /// - Parameters:
  ///   - measures: what is to count.
  ///   - start: begins the load, given its first and last moment.
  ///   - done: operations so far, for the progress.
  func load(
    _ measures: [Measure], start: (_ from: Int64, _ until: Int64) -> Void, done: () -> Int64
  ) {
    let begin = NanosecondClock.now
    let second = Double(NanosecondClock.second)
    let measured = begin + Int64(options.warmUp * second)
    span = MeasuredSpan(start: measured, end: measured + Int64(options.seconds * second))
    for measure in measures { measure.begin(span) }
    start(begin, span.end)
    var usage = Usage(server)
    var isWarm = false
    _ = state.loop.run(until: span.end) { now in
      if !isWarm, now >= span.start {
        isWarm = true
        usage = Usage(server)
      }
      let fraction = Double(now - begin) / Double(span.end - begin)
      report(Progress(done: done(), unit: "operations", fraction: fraction))
      return false
    }
    addUsage(since: usage)
  }

  /// Waits for answers that are still to come, for a while.
  func settle(_ isSettled: () -> Bool) {
    _ = state.loop.run(until: NanosecondClock.now + Self.lateness) { _ in isSettled() }
  }

  // MARK: - What it costs

  private struct Usage {
    var time = NanosecondClock.now
    var own = NanosecondClock.processorTime
    var server: Double?

    init(_ process: ServerProcess?) { server = process?.processorTime }
  }

  private func addUsage(since before: Usage) {
    let after = Usage(server)
    let seconds = Double(after.time - before.time) / Double(NanosecondClock.second)
    guard seconds > 0 else { return }
    let own = Double(after.own - before.own) / Double(NanosecondClock.second)
    addFigure("client_cpu", own / seconds, "processors used by this program (near 1 it is the limit)")
    if let server = after.server, let earlier = before.server {
      addFigure("server_cpu", (server - earlier) / seconds, "processors used by the server")
    }
  }

  /// A span that was not planned ahead.
  func setSpan(_ span: MeasuredSpan) { self.span = span }
}
