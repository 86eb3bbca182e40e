import Foundation
import TestSupport
import Testing

@testable import Drivers

@Suite struct MySQLPoolWithoutServerTests {
  @Test func aServerThatIsNotThereIsReportedAtOnce() async throws {
    // Port 1 of the loopback refuses.
    let pool = MySQLPool(try MySQLURL("mysql://a:b@127.0.0.1:1/x"), size: 2)
    for _ in 0..<20 {
      let error = await #expect(throws: SQLError.self) { _ = try await pool.query("SELECT 1") }
      #expect(error?.kind == .unavailable)
      #expect(error?.code == 2002 || error?.code == 2003)
    }
    #expect(pool.statistics == MySQLPoolStatistics(open: 0, busy: 0, waiting: 0))
    pool.close()
    let error = await #expect(throws: SQLError.self) { _ = try await pool.query("SELECT 1") }
    #expect(error?.kind == .unavailable)
  }
}

@Suite struct MySQLJobQueueTests {
  private final class Log: @unchecked Sendable {
    private let lock = NSLock()
    private var entries: [Int] = []
    func append(_ entry: Int) { lock.withLock { entries.append(entry) } }
    var all: [Int] { lock.withLock { entries } }
  }

  private static let failure = SQLError(kind: .other, code: 0, message: "no connection is needed here")

  /// A quiet pool works on the same connection.
  @Test func whoBecameIdleLastIsWokenFirst() async {
    let (queue, log) = (MySQLJobQueue(waitTimeout: 60), Log())
    var takers: [WorkerThread] = []
    for number in 0..<3 {
      let seat = DispatchSemaphore(value: 0)
      takers.append(
        WorkerThread(name: "taker-\(number)") {
          while let job = queue.take(seat) {
            log.append(number)
            job(.failure(Self.failure))
          }
        })
      while queue.idleTakers <= number { await Task.yield() }
    }
    for count in 1...20 {
      queue.put { _ in }
      while log.all.count < count || queue.idleTakers < 3 { await Task.yield() }
    }
    #expect(log.all == Array(repeating: 2, count: 20))
    queue.close()
    await Blocking.run { [takers] in for taker in takers { taker.join() } }
  }

  @Test func everyJobIsCarriedOutWhoeverComesAndGoes() async {
    let (queue, done) = (MySQLJobQueue(waitTimeout: 60), Log())
    let takers = (0..<4).map { number in
      let seat = DispatchSemaphore(value: 0)
      return WorkerThread(name: "taker-\(number)") { while let job = queue.take(seat) { job(.failure(Self.failure)) } }
    }
    await withTaskGroup { group in
      for putter in 0..<4 {
        group.addTask {
          for number in 0..<2_000 { queue.put { _ in done.append(putter * 2_000 + number) } }
        }
      }
    }
    queue.close()
    await Blocking.run { for taker in takers { taker.join() } }
    #expect(done.all.sorted() == Array(0..<8_000))
  }
}

@Suite struct MySQLSilenceTests {
  /// Accepts connections, as the kernel does for a process that is stopped, and says nothing.
  @Test func aServerThatSaysNothingCostsOneTimeoutAndNotOneOfEachCaller() async throws {
    let listener = try ListeningSocket()
    defer { listener.stop() }
    var options = MySQLOptions()
    options.readTimeout = 3
    let pool = MySQLPool(try MySQLURL("mysql://a:b@127.0.0.1:\(listener.port)/x"), options: options, size: 2)
    let start = ContinuousClock.now
    for _ in 0..<40 {
      let error = await #expect(throws: SQLError.self) { _ = try await pool.query("SELECT 1") }
      #expect(error?.kind == .unavailable)
    }
    // Each of them waiting for itself would take two minutes.
    #expect(.now - start < .seconds(40))
    #expect(pool.outage.refusal != nil)
    await Blocking.run(pool.close)
  }

  @Test func aSlowAnswerIsNoSilenceWhileOthersAreAnswered() {
    let outage = MySQLOutage()
    let failure = SQLError(kind: .unavailable, code: 2013, message: "lost")
    let longAgo = DispatchTime(uptimeNanoseconds: DispatchTime.now().uptimeNanoseconds - 5_000_000_000)
    outage.answered()
    outage.lost(failure, waitingSince: longAgo)
    #expect(outage.refusal == nil)
    let unanswered = MySQLOutage()
    unanswered.lost(failure, waitingSince: .now())
    #expect(unanswered.refusal == nil)
    unanswered.lost(failure, waitingSince: longAgo)
    #expect(unanswered.refusal?.code == 2013)
    unanswered.answered()
    #expect(unanswered.refusal == nil)
  }
}

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: MySQLTestServer.isThere)) struct MySQLPoolTests {
  @Test func callersShareTheConnections() async throws {
    let pool = MySQLPool(try MySQLTestServer.url(), size: 3)
    let ids = try await withThrowingTaskGroup(of: Int64?.self) { group in
      for _ in 0..<100 { group.addTask { try await pool.query("SELECT CONNECTION_ID()").first?.integer(0) } }
      return try await group.reduce(into: Set<Int64>()) { $0.insert($1 ?? 0) }
    }
    #expect((1...3).contains(ids.count))
    #expect(pool.statistics.open == ids.count)
  }

  @Test func aKilledConnectionIsReplaced() async throws {
    let pool = MySQLPool(try MySQLTestServer.url(), size: 1)
    _ = try? await pool.withConnection { connection in
      _ = try connection.query("KILL CONNECTION_ID()")
    }
    #expect(try await pool.query("SELECT 5").first?.integer(0) == 5)
  }

  @Test func whoWaitsTooLongGetsAClearError() async throws {
    let pool = MySQLPool(try MySQLTestServer.url(), size: 1, waitTimeout: 0.05)
    let (holding, hold) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    async let held: Void = pool.withConnection { _ in
      holding.signal()
      hold.wait()
    }
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        holding.wait()
        continuation.resume()
      }
    }
    #expect(pool.statistics.busy == 1)
    let error = await #expect(throws: SQLError.self) { _ = try await pool.query("SELECT 1") }
    #expect(error?.kind == .unavailable)
    #expect(error?.message.contains("free") == true)
    hold.signal()
    _ = try await held
    #expect(pool.statistics.waiting == 0)
  }

  @Test func aTransactionLeftOpenDoesNotReachTheNextCaller() async throws {
    try await MySQLTestServer.withDatabase { url in
      let pool = MySQLPool(url, size: 1)
      try await pool.execute("CREATE TABLE t (id INT PRIMARY KEY)")
      _ = try await pool.withConnection { connection in
        try connection.execute("START TRANSACTION")
        try connection.execute("INSERT INTO t VALUES (1)")
      }
      #expect(try await pool.query("SELECT * FROM t").isEmpty)
    }
  }
}
