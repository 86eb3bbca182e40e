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
  private let seat = DispatchSemaphore(value: 0)
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
    while let job = queue.take(seat) {
      if let refusal = outage.refusal {
        job(.failure(refusal))
        probe()
        continue
      }
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
    let made = try outage.connect { () throws(SQLError) in
      try MySQLConnection(url, options: options, outage: outage)
    }
    connection = made
    return made
  }

  /// Looks whether a silent server is back. Nobody waits for this: the caller has its answer.
  private func probe() {
    guard outage.takeProbe() else { return }
    connection = nil
    state = .closed
    if let made = try? MySQLConnection(url, options: options, outage: outage) {
      outage.answered()
      connection = made
      lastUse = .now()
      state = .idle
    }
    outage.probed()
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
    if connection.isBroken { self.connection = nil } else { outage.answered() }
    state = connection.isBroken ? .closed : .idle
  }
}
