import ChatRooms
import Drivers
import HistoryIndex

/// What other threads tell a loop.
enum LoopMessage: Sendable {
  /// A socket after its handshake, with the bytes that came behind it.
  case adopt(descriptor: Int32, WebSocketUpgrade, input: [UInt8])
  case deliveries([Delivery])
  /// What became of messages; tickets are connections' tokens.
  case committed([SubmissionAnswer])
  case answered(token: UInt64, SessionAnswer)
  /// Says goodbye to everybody; `completion` is called once no connection is left.
  case drain(reconnectWithin: Int, completion: @Sendable () -> Void)
  /// Ends every connection at once.
  case abort
  case stop
}

/// Has a loop told what became of its messages.
final class CommitListener: SubmissionListener {
  private let mailbox: Mailbox<LoopMessage>

  init(_ mailbox: Mailbox<LoopMessage>) { self.mailbox = mailbox }

  func take(_ answers: [SubmissionAnswer]) { mailbox.post(.committed(answers)) }
}

/// What all loops have in common.
struct SocketLoopConfiguration: Sendable {
  var times = SocketTimes()
  var limits = SocketLimits()
  var session = SessionLimits()
}

/// A thread that owns WebSockets: reads them, runs their sessions, and writes what is queued, coalesced, once a turn.
final class SocketLoop: DeliveryLoop, @unchecked Sendable {
  private let mailbox: Mailbox<LoopMessage>
  // Set once, before anybody else sees the loop.
  private var thread: WorkerThread?

  /// Returns `nil` where the process may open no more files.
  init?(configuration: SocketLoopConfiguration, services: SessionServices, pool: TaskPool, metrics: EdgeMetrics) {
    guard let mailbox = Mailbox<LoopMessage>(), let poller = Poller() else { return nil }
    self.mailbox = mailbox
    let index = services.joiner.attach(self)
    thread = WorkerThread(name: "edge-\(index)") {
      SocketReactor(
        index: index, mailbox: mailbox, poller: poller, configuration: configuration, services: services, pool: pool,
        metrics: metrics
      ).run()
    }
  }

  func post(_ delivery: Delivery) { mailbox.post(.deliveries([delivery])) }
  func post(contentsOf deliveries: [Delivery]) { mailbox.post(.deliveries(deliveries)) }
  func post(_ message: LoopMessage) { mailbox.post(message) }

  /// Ends the thread and every connection with it. Blocks.
  func stop() {
    mailbox.post(.stop)
    thread?.join()
    thread = nil
  }
}
