import ChatRooms
import Drivers
import Foundation

/// Keeps new messages out of a journal that is full, and says how full it is.
///
/// What is asked for each submission is one flag; a loop beside reads the journal's state twice a second.
public final class JournalGate: @unchecked Sendable {
  /// How often the journal's state is read.
  public static let interval: Duration = .milliseconds(500)
  /// When clients come again: at different times, so that those who were refused together do not come back together.
  private static let retryAfter = 2_000...10_000

  private let lock = NSLock()
  private var pressure: BackPressure
  private var backlog = JournalBacklog()
  private let log: Log
  private let refused: Counter

  public init(_ limits: BackPressure.Limits, metrics: Metrics, log: Log) {
    pressure = BackPressure(limits)
    self.log = log
    refused = metrics.counter(
      "palaver_backpressure_refused_total", "Messages and edits refused because the journal was full.")
    addGauges(to: metrics)
  }

  private func addGauges(to metrics: Metrics) {
    for reason in BackPressure.Reason.allCases {
      metrics.gauge(
        "palaver_backpressure", "1 while messages are refused: the index is too far behind, or the disk is full.",
        ["reason": reason.rawValue]
      ) { [weak self] in self?.read { $0.pressure.reasons.contains(reason) } == true ? 1 : 0 }
    }
    metrics.gauge("palaver_journal_waiting", "Journal rows that the history index does not have yet.") { [weak self] in
      Double(self?.read { $0.backlog.waiting } ?? 0)
    }
    metrics.gauge("palaver_journal_waiting_seconds", "Age of the oldest journal row that waits for the index.") {
      [weak self] in self?.read { Self.age(of: $0.backlog.oldest) } ?? 0
    }
    metrics.gauge("palaver_journal_rows", "Journal rows in all, with those that are kept after they were indexed.") {
      [weak self] in Double(self?.read { $0.backlog.rows } ?? 0)
    }
    metrics.gauge("palaver_dead_letters", "Events that the index refused and nobody has retried or dropped.") {
      [weak self] in Double(self?.read { $0.backlog.deadLetters } ?? 0)
    }
  }

  private static func age(of time: Milliseconds?) -> Double {
    time.map { max(0, Date().timeIntervalSince1970 - Double($0) / 1_000) } ?? 0
  }

  private func read<Value>(_ body: (JournalGate) -> Value) -> Value { lock.withLock { body(self) } }

  /// Why something may not be added now; `nil` if it may. What makes nothing larger for long, and what people want to be
  /// gone, is always let through: deletions, removals of members, the end of a room.
  func refusal(of action: Submission.Action) -> ChatError? {
    switch action {
    case .send, .edit: break
    case .delete, .withdraw, .remove, .close, .announceImport: return nil
    }
    guard read(\.pressure.isOn) else { return nil }
    refused.add()
    return .journalFull(retryAfter: Int.random(in: Self.retryAfter))
  }

  /// Reads the journal's state until cancelled. While it cannot be read, what was known holds.
  ///
  /// - Parameter freeBytes: of the disk that the database is on; `nil` where that is another machine's.
  public func watch(_ journal: any Journal, freeBytes: @Sendable () -> Int64?) async {
    while !Task.isCancelled {
      observe(try? await journal.backlog(), free: freeBytes())
      try? await Task.sleep(for: Self.interval)
    }
  }

  func observe(_ backlog: JournalBacklog?, free: Int64?) {
    let (before, after) = lock.withLock {
      let before = pressure.reasons
      if let backlog {
        self.backlog = backlog
        pressure.observe(waiting: backlog.waiting)
      }
      if let free { pressure.observe(free: free) }
      return (before, pressure.reasons)
    }
    for reason in after.subtracting(before) {
      log.error(
        "messages are refused: the journal is full",
        ["reason": reason.rawValue, "waiting": "\(backlog?.waiting ?? 0)", "free_bytes": free.map(String.init) ?? ""])
    }
    for reason in before.subtracting(after) {
      log.info("messages are taken again", ["reason": reason.rawValue, "waiting": "\(backlog?.waiting ?? 0)"])
    }
  }
}

extension ChatError {
  static func journalFull(retryAfter: Int) -> ChatError {
    ChatError(
      503, "unavailable", "No more messages can be kept at the moment. Send the same again later.",
      retryAfter: retryAfter)
  }
}
