import ChatRooms
import Drivers
import Foundation

/// Carries out erasures. Every server runs one; each erasure is one server's at a time, and the next one's if that dies.
public final class ErasureWorker: Sendable {
  /// How often the table is looked at.
  private static let interval: Duration = .seconds(1)

  private let ledger: ErasureLedger
  private let traces: any MessageTraces
  private let writer: JournalWriter
  private let owner = UUID().uuidString
  private let log: Log
  private let state: OutageLog
  private let waiting = Gauge()
  private let changed: [MessageFate: Counter]
  private let forget: @Sendable (Set<RoomID>) async -> Void

  /// - Parameters:
  ///   - writer: by which the messages are changed, as everything in a room is.
  ///   - forget: drops what servers share of rooms, so that it does not outlive its messages until it ends by itself.
  public init(
    ledger: ErasureLedger, traces: any MessageTraces, writer: JournalWriter, metrics: Metrics, log: Log,
    forget: @escaping @Sendable (Set<RoomID>) async -> Void = { _ in }
  ) {
    self.forget = forget
    self.ledger = ledger
    self.traces = traces
    self.writer = writer
    self.log = log
    state = OutageLog(log, "erasures do not go on", "erasures go on")
    let waiting = waiting
    metrics.gauge("palaver_erasures_waiting", "Deleted users of whom not everything is erased or anonymized yet.") {
      Double(waiting.value)
    }
    let counters = [MessageFate.anonymize, .erase].map { fate in
      (
        fate,
        metrics.counter(
          "palaver_erased_messages_total", "Messages of deleted users that were erased or anonymized.",
          ["mode": fate.name])
      )
    }
    changed = Dictionary(uniqueKeysWithValues: counters)
  }

  /// Works until cancelled.
  public func run() async {
    var told: [UserID: String] = [:]
    while !Task.isCancelled {
      do {
        let erasures = try await ledger.unfinished()
        waiting.set(erasures.count)
        for erasure in erasures {
          let reason = try await carryOut(erasure)
          if let reason, told[erasure.user] != reason {
            log.info("an erasure is not finished yet", ["user_id": "\(erasure.user)", "reason": reason])
          }
          told[erasure.user] = reason
        }
        if !erasures.isEmpty { waiting.set(try await ledger.unfinished().count) }
        state.succeeded()
      } catch {
        if !Task.isCancelled { state.failed("\(error)") }
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// Works, beside other servers or alone, until nothing is left.
  ///
  /// - Throws: what a back end says; what is done stays done.
  public func runUntilFinished() async throws {
    while true {
      let erasures = try await ledger.unfinished()
      if erasures.isEmpty { return }
      var isWaiting = false
      for erasure in erasures { isWaiting = try await carryOut(erasure) != nil || isWaiting }
      if isWaiting { try await Task.sleep(for: Self.interval) }
    }
  }

  /// Goes on with one erasure, as far as it goes now.
  ///
  /// - Returns: why it is not finished; `nil` if it is.
  @discardableResult
  public func carryOut(_ erasure: Erasure) async throws -> String? {
    guard let counter = changed[erasure.fate] else { return nil }
    var run = ErasureRun(
      erasure, owner: owner, ledger: ledger, traces: traces, writer: writer, changed: counter, forget: forget)
    do {
      let reason = try await run.run()
      if reason == nil {
        log.info("a deleted user's messages are gone", ["user_id": "\(erasure.user)", "mode": erasure.fate.name])
      }
      return reason
    } catch is ErasureRun.Lost {
      return "another server does it"
    } catch {
      try? await ledger.release(erasure, owner: owner)
      throw error
    }
  }
}

/// A number that is set now and then.
private final class Gauge: @unchecked Sendable {
  private let lock = NSLock()
  private var stored = 0

  var value: Int { lock.withLock { stored } }
  func set(_ value: Int) { lock.withLock { stored = value } }
}
