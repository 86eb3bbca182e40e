import CLinux
import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// The loops of a server. New WebSockets go to them in turn.
final class SocketLoops: WebSocketAcceptor, @unchecked Sendable {
  private let loops: [SocketLoop]
  private let presence: any Presence
  private let limit: Int
  /// WebSockets that are open or granted.
  private let count: LiveCount
  private let lock = NSLock()
  private var next = 0
  private var isDraining = false

  /// - Throws: `ListenError` where the process may open no more files.
  init(
    count: Int, configuration: SocketLoopConfiguration, limit: Int, services: SessionServices, pool: TaskPool,
    metrics: EdgeMetrics
  ) throws {
    self.limit = limit
    self.count = metrics.webSockets
    presence = services.presence
    loops = try (0..<count).map { _ in
      guard
        let loop = SocketLoop(configuration: configuration, services: services, pool: pool, metrics: metrics)
      else { throw ListenError(address: "WebSockets", reason: "too many open files") }
      return loop
    }
  }

  func reserve() -> Bool { lock.withLock { !isDraining } && count.addOne(upTo: limit) }

  func adopt(descriptor: Int32, _ upgrade: WebSocketUpgrade, input: [UInt8]) {
    let loop = lock.withLock {
      next = (next + 1) % loops.count
      return loops[next]
    }
    loop.post(.adopt(descriptor: descriptor, upgrade, input: input))
  }

  func abandon(_ upgrade: WebSocketUpgrade, isReserved: Bool) {
    if isReserved { count.add(-1) }
    if let join = upgrade.join { presence.leave(room: join.room.id, user: upgrade.user.name) }
  }

  /// Says goodbye to everybody and returns when all are gone, or when the time is over and they were cut off.
  func drain(within time: Duration, reconnectWithin: Int) async {
    lock.withLock { isDraining = true }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [loops] in
        try? await Task.sleep(for: time)
        if !Task.isCancelled { for loop in loops { loop.post(.abort) } }
      }
      await withTaskGroup(of: Void.self) { waiting in
        for loop in loops {
          waiting.addTask {
            await withCheckedContinuation { continuation in
              loop.post(.drain(reconnectWithin: reconnectWithin) { continuation.resume() })
            }
          }
        }
      }
      group.cancelAll()
    }
  }

  /// Ends the loops' threads. Blocks.
  func stop() {
    for loop in loops { loop.stop() }
  }
}
