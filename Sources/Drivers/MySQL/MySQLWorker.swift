import Foundation

/// A thread's loop over a pool's jobs, with the connection that they run on.
final class MySQLWorker: @unchecked Sendable {
  enum State {
    case closed, idle, busy
  }

  private let url: MySQLURL
  private let options: MySQLOptions
  private let queue: MySQLJobQueue
  private let outage: MySQLOutage
  private let lock = NSLock()
  private var sharedState = State.closed
  /// Only the worker's own thread touches these.
  private var connection: MySQLConnection?
  private var lastUse = DispatchTime.now()

  /// Seconds of idleness after which a connection is asked whether it still lives.
  private static let pingAfter = 1.0

  init(_ url: MySQLURL, _ options: MySQLOptions, _ queue: MySQLJobQueue, _ outage: MySQLOutage) {
    self.url = url
    self.options = options
    self.queue = queue
    self.outage = outage
  }

  private(set) var state: State {
    get { lock.withLock { sharedState } }
    set { lock.withLock { sharedState = newValue } }
  }

  func run() {
    while let job = queue.take() {
      do throws(SQLError) {
        let connection = try usableConnection()
        state = .busy
        job(.success(connection))
        settle(connection)
      } catch {
        state = .closed
        job(.failure(error))
      }
    }
    connection = nil
    state = .closed
  }

  private func usableConnection() throws(SQLError) -> MySQLConnection {
    if let connection, isAlive(connection) { return connection }
    connection = nil
    let made = try outage.connect { () throws(SQLError) in try MySQLConnection(url, options: options) }
    connection = made
    return made
  }

  private func isAlive(_ connection: MySQLConnection) -> Bool {
    if connection.isBroken { return false }
    if DispatchTime.now() < lastUse + Self.pingAfter { return true }
    do {
      try connection.ping()
      return true
    } catch { return false }
  }

  private func settle(_ connection: MySQLConnection) {
    // A body that left a transaction open must not hand it to the next.
    if connection.isInTransaction { connection.rollBack() }
    lastUse = .now()
    if connection.isBroken { self.connection = nil }
    state = connection.isBroken ? .closed : .idle
  }
}

/// What a pool knows of a server that does not answer: until the next attempt is due, callers get the last error at
/// once instead of each waiting for an attempt of their own.
final class MySQLOutage: @unchecked Sendable {
  private let lock = NSLock()
  private var failure: SQLError?
  private var nextAttempt = DispatchTime.now()
  private var delay = firstDelay

  /// Seconds between attempts: doubled each time, with full jitter.
  private static let firstDelay = 0.05
  private static let longestDelay = 2.0

  func connect(_ attempt: () throws(SQLError) -> MySQLConnection) throws(SQLError) -> MySQLConnection {
    if let failure = lock.withLock({ DispatchTime.now() < nextAttempt ? failure : nil }) { throw failure }
    do {
      let connection = try attempt()
      note(nil)
      return connection
    } catch {
      note(error)
      throw error
    }
  }

  private func note(_ error: SQLError?) {
    lock.withLock {
      failure = error
      if error == nil {
        delay = Self.firstDelay
      } else {
        nextAttempt = .now() + Double.random(in: 0...delay)
        delay = min(delay * 2, Self.longestDelay)
      }
    }
  }
}
