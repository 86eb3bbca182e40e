import ChatRooms
import Drivers

/// Commits batches over a connection of its own: one request that locks the lanes and reads, one or two that write and
/// commit. In between this process may be paused; the server then ends the transaction (`idle_transaction_timeout`).
/// The last two are not sent at once: COMMIT must not reach a server that has refused the rows.
final class MySQLJournalCommitter: JournalCommitter {
  let batch = 400

  private let url: MySQLURL
  private let options: MySQLOptions
  /// What is known of a database that says nothing: not each batch is to find that out.
  private let outage: MySQLOutage?
  private let protected: RewindGuard?
  private let clock: @Sendable () -> Milliseconds
  private(set) var connection: MySQLConnection?
  private var takesRows = false

  init(
    _ url: MySQLURL, options: MySQLOptions, outage: MySQLOutage?, protected: RewindGuard?,
    clock: @escaping @Sendable () -> Milliseconds
  ) {
    self.url = url
    self.options = options
    self.outage = outage
    self.protected = protected
    self.clock = clock
  }

  func commit(_ batch: [Submission]) throws -> [Outcome] {
    guard !batch.isEmpty else { return [] }
    if let refusal = outage?.refusal { throw refusal }
    try protected?.waitUntilSettled()
    let (connection, readings) = try lockAndRead(batch)
    do {
      try protected?.check(readings.heads)
      let plan = LaneBatch(batch, readings, now: clock())
      if plan.rows.isEmpty, !plan.repeatsEarlier {
        connection.rollBack()
      } else {
        try write(JournalWriteRequest(plan, takesRows: takesRows), on: connection)
      }
      return plan.outcomes
    } catch {
      connection.rollBack()
      throw Self.conflictIfCounterMoved(error)
    }
  }

  private func write(_ request: JournalWriteRequest, on connection: MySQLConnection) throws {
    for rows in request.rows { try connection.execute(JournalTable.insert, rows: rows) }
    for sql in request.requests { _ = try connection.send(sql) }
  }

  private func lockAndRead(_ batch: [Submission]) throws -> (MySQLConnection, LaneReadings) {
    let request = JournalReadRequest(batch)
    if let connection, !connection.isBroken {
      do {
        return (connection, try read(request, on: connection))
      } catch let error as SQLError where error.kind == .unavailable {
        self.connection = nil
        // Another wait would be as long.
        if outage?.refusal != nil { throw error }
        // The server ended the connection while it was idle. Nothing was written yet: try once on a new one.
      }
    }
    let connection = try MySQLConnection(url, options: options, outage: outage)
    self.connection = connection
    takesRows = connection.takesRows
    if let protected {
      // Whoever answers now may be another server, or the same one on an older copy of its files.
      protected.doubt()
      try protected.waitUntilSettled()
    }
    return (connection, try read(request, on: connection))
  }

  private func read(_ request: JournalReadRequest, on connection: MySQLConnection) throws -> LaneReadings {
    do {
      return try request.readings(connection.send(request.sql))
    } catch {
      connection.rollBack()
      throw error
    }
  }

  private static func conflictIfCounterMoved(_ error: any Error) -> any Error {
    guard let error = error as? SQLError, error.code == JournalWriteRequest.counterMoved else { return error }
    return SQLError(kind: .conflict, code: error.code, message: "A room's counters moved: \(error.message)")
  }
}
