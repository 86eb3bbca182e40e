import Foundation

/// What the connections to one server know together of its absence, so that callers need not each find it out.
///
/// A server that refuses is asked again by whoever comes when the next attempt is due; until then callers get the last
/// error at once. A server that says nothing costs whoever asks the whole of a timeout: once one connection has waited
/// in vain, everybody gets its error at once, and single attempts that no caller waits for find out when it is back.
public final class MySQLOutage: @unchecked Sendable {
  private let lock = NSLock()
  private var failure: SQLError?
  private var isSilent = false
  private var isProbing = false
  private var nextAttempt = DispatchTime.now()
  private var delay = firstDelay
  private var lastAnswer = DispatchTime(uptimeNanoseconds: 0)

  /// Seconds between attempts: doubled each time, with full jitter.
  private static let firstDelay = 0.05
  private static let longestDelay = 2.0
  /// Seconds without a word after which a lost connection means silence: refusals and ends of connections come at once.
  private static let silence = 1.0
  /// Seconds between attempts to reach a silent server.
  private static let silentDelay = 0.5

  public init() {}

  /// Why nothing is to be sent: the server says nothing to anybody.
  public var refusal: SQLError? { lock.withLock { isSilent ? failure : nil } }

  /// Whether the caller is to try now to reach a silent server; `probed` must follow.
  func takeProbe() -> Bool {
    lock.withLock {
      guard isSilent, !isProbing, nextAttempt <= .now() else { return false }
      isProbing = true
      return true
    }
  }

  /// The end of an attempt; what came of it, the connection has told.
  func probed() {
    lock.withLock {
      isProbing = false
      nextAttempt = .now() + Self.silentDelay
    }
  }

  /// Makes a connection, unless the next attempt is not due yet.
  func connect(_ attempt: () throws(SQLError) -> MySQLConnection) throws(SQLError) -> MySQLConnection {
    if let failure = lock.withLock({ isSilent || .now() < nextAttempt ? failure : nil }) { throw failure }
    do {
      let connection = try attempt()
      answered()
      return connection
    } catch {
      noteRefusal(error)
      throw error
    }
  }

  /// The server has said something just now.
  func answered() {
    lock.withLock {
      lastAnswer = .now()
      (failure, isSilent, delay) = (nil, false, Self.firstDelay)
    }
  }

  /// A connection was lost after it had waited since then. A slow statement does not make the server silent: only one
  /// that said nothing to anybody meanwhile is.
  func lost(_ error: SQLError, waitingSince start: DispatchTime) {
    lock.withLock {
      guard .now() >= start + Self.silence, lastAnswer <= start else { return }
      (failure, isSilent) = (error, true)
      nextAttempt = .now() + Self.silentDelay
    }
  }

  private func noteRefusal(_ error: SQLError) {
    lock.withLock {
      guard !isSilent else { return }
      failure = error
      nextAttempt = .now() + Double.random(in: 0...delay)
      delay = min(delay * 2, Self.longestDelay)
    }
  }
}
