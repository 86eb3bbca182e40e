import ChatRooms
import Drivers
import Glibc
import HistoryIndex

@testable import server

/// A loop without a thread: takes its turns when the test says so, on the test's own thread, over socket pairs.
final class TestReactor {
  /// What the hub says goes into the mailbox at once.
  private final class Postbox: DeliveryLoop {
    let mailbox: Mailbox<LoopMessage>
    init(_ mailbox: Mailbox<LoopMessage>) { self.mailbox = mailbox }
    func post(_ delivery: Delivery) { mailbox.post(.deliveries([delivery])) }
  }

  let hub = FakeHub()
  let metrics = Metrics()
  let reactor: SocketReactor
  private let mailbox: Mailbox<LoopMessage>

  init(limits: SocketLimits = SocketLimits()) throws {
    guard let mailbox = Mailbox<LoopMessage>(), let poller = Poller() else {
      throw SocketFailure(reason: "too many open files")
    }
    self.mailbox = mailbox
    _ = hub.attach(Postbox(mailbox))
    let (presence, history) = (FakePresence(), FakeHistory(count: 10))
    var configuration = SocketLoopConfiguration()
    configuration.limits = limits
    // On a busy machine a test takes its time between two turns.
    configuration.times.closing = 60_000
    configuration.session.sends = .init(rate: 1_000_000, burst: 1_000_000)
    let services = SessionServices(
      rooms: FakeRooms(), presence: presence, writer: hub, joiner: hub, authority: FakeAuthority(presence: presence),
      commands: MessageCommands(rooms: FakeRooms(), history: history, writer: hub),
      pages: HistoryPages(journal: history, history: history),
      notifier: PresenceNotifier(presence: presence, bus: FakeBus(), joiner: hub), log: .silent)
    reactor = SocketReactor(
      index: 0, mailbox: mailbox, poller: poller, configuration: configuration, services: services, pool: TaskPool(),
      metrics: EdgeMetrics(metrics))
  }

  /// Connections that have joined a room, each as its client's end.
  func clients(
    _ count: Int, in joined: Room = room(1), format: WireFormat = .raw, sendBuffer: Int32? = nil
  ) throws -> [PairedSocket] {
    let clients = try (0..<count).map { _ in
      let pair = try PairedSocket.pair(sendBuffer: sendBuffer)
      mailbox.post(.adopt(descriptor: pair.server, upgrade(room: joined, format: format), input: []))
      return pair.client
    }
    settle()
    settle()
    for client in clients { _ = client.read() }
    return clients
  }

  /// Broadcasts messages as the events of one commit.
  func broadcast(_ messages: [Message]) {
    post(messages.map { .broadcast($0.room, Broadcast(rendering: event($0))) })
  }

  func post(_ deliveries: [Delivery]) { mailbox.post(.deliveries(deliveries)) }

  /// Turns until everything that was said has been taken and written, or cannot be.
  func settle() {
    repeat { reactor.turn() } while reactor.unwritten.hasBulk || !reactor.held.isEmpty
  }
}

/// The client's end of a socket pair.
final class PairedSocket {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  /// - Parameter sendBuffer: the server's, in bytes.
  static func pair(sendBuffer: Int32?) throws -> (client: PairedSocket, server: Int32) {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SocketFailure(reason: "too many open files") }
    if var bytes = sendBuffer {
      unsafe setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    return (PairedSocket(ends[0]), ends[1])
  }

  func send(_ bytes: [UInt8]) {
    _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Everything that has come.
  func read() -> [UInt8] {
    var (all, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 64 << 10))
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
      guard count > 0 else { return all }
      all += chunk[..<count]
    }
  }
}
