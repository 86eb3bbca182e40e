import Foundation

/// How busy a pool is.
public struct MySQLPoolStatistics: Sendable, Equatable {
  /// Connections that are open.
  public var open = 0
  /// Of these, those in use.
  public var busy = 0
  /// Callers who wait for one.
  public var waiting = 0
}

/// Connections to one server, each on a thread of its own, made when first needed and again when broken.
public final class MySQLPool: SQLDatabase {
  private let queue: MySQLJobQueue
  /// What the connections know together; for others to the same server.
  public let outage: MySQLOutage
  private let workers: [MySQLWorker]
  private let threads: [WorkerThread]

  public var dialect: SQLDialect { .mysql }

  /// - Parameters:
  ///   - size: the most connections.
  ///   - waitTimeout: seconds that a caller waits for a connection to become free before it gets `.unavailable`.
  public init(_ url: MySQLURL, options: MySQLOptions = MySQLOptions(), size: Int, waitTimeout: Double = 5) {
    let queue = MySQLJobQueue(waitTimeout: waitTimeout)
    let outage = MySQLOutage()
    self.queue = queue
    self.outage = outage
    workers = (0..<max(1, size)).map { _ in MySQLWorker(url, options, queue, outage) }
    threads = workers.enumerated().map { index, worker in
      WorkerThread(name: "mysql-\(index)") { worker.run() }
    }
  }

  deinit { queue.close() }

  /// - Throws: `SQLError` `.unavailable` if the server cannot be reached, or no connection becomes free in time.
  public func withConnection<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.put { connection in
        continuation.resume(with: Swift.Result { try body(connection.get()) })
      }
    }
  }

  public func submitRead(_ job: @escaping @Sendable (Result<any SQLConnection, any Error>) -> Void) {
    queue.put { connection in job(connection.map { $0 as any SQLConnection }.mapError { $0 as any Error }) }
  }

  public var statistics: MySQLPoolStatistics {
    var statistics = MySQLPoolStatistics(waiting: queue.waiting)
    for worker in workers {
      switch worker.state {
      case .closed: break
      case .idle: statistics.open += 1
      case .busy:
        statistics.open += 1
        statistics.busy += 1
      }
    }
    return statistics
  }

  /// Lets what waits and runs finish, then closes all connections. Blocks; call it once, when stopping.
  public func close() {
    queue.close()
    for thread in threads { thread.join() }
  }
}
