import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// What a server shares with others: all of it over Redis, or within this process where it is alone.
struct ServerBus: Sendable {
  private struct Shared: Sendable {
    var client: RedisClient
    var bus: RedisBus
    var presence: RedisPresence
    var prefix: String
  }

  private let shared: Shared?
  let bus: any Bus
  let presence: any Presence

  init(_ configuration: Configuration, installation: String, metrics: Metrics, log: Log) {
    guard case .stack(let stack) = configuration.profile else {
      shared = nil
      bus = LocalBus()
      presence = LocalPresence()
      return
    }
    let prefix = stack.redisPrefix ?? installation
    let client = RedisClient(stack.redis, log: log, metrics: metrics)
    let shared = Shared(
      client: client, bus: RedisBus(stack.redis, client: client, prefix: prefix, log: log, metrics: metrics),
      presence: RedisPresence(client: client, prefix: prefix, server: UUID().uuidString), prefix: prefix)
    self.shared = shared
    bus = shared.bus
    presence = shared.presence
  }

  /// Shares loaded tails; `nil` for a server alone.
  var exchange: (any TailExchange)? { shared.map { RedisTailExchange(client: $0.client, prefix: $0.prefix) } }

  /// Takes away what is left of rooms whose messages were erased.
  func forgetTails(of rooms: Set<RoomID>) async {
    guard let shared else { return }
    await RedisTailExchange(client: shared.client, prefix: shared.prefix).forget(rooms)
  }

  /// Remembers how far the journal's lanes are; `nil` for a server alone.
  func witness(of installation: String) -> (any LaneWitness)? {
    shared.map { RedisLaneWitness(client: $0.client, prefix: $0.prefix, installation: installation) }
  }

  func cached(_ rooms: any RoomStore, metrics: Metrics) -> CachedRoomStore {
    CachedRoomStore(rooms, client: shared?.client, prefix: shared?.prefix ?? "", bus: bus, metrics: metrics)
  }

  /// Hands on what other servers say. Call before `start`.
  func deliver(
    to hub: RoomHub, _ notifier: PresenceNotifier, _ rooms: CachedRoomStore, _ protected: RewindGuard?
  ) {
    bus.onMessage { message in
      if case .events(let events) = message {
        protected?.saw(events)
        hub.windows.sawOthers()
        hub.receive(events)
      }
      if case .everythingChanged = message { hub.windows.forgetAll() }
      if case .usersDeleted(let last) = message { hub.evictUsers(upTo: last) }
      notifier.receive(message)
    }
    guard let shared else { return }
    let bus = bus
    shared.presence.onChange { room, users, arePresent in
      for user in users {
        let message = BusMessage.presence(room: room, user: user, isPresent: arePresent)
        bus.publish(message)
        notifier.receive(message)
      }
    }
    hub.windows.setAlone { shared.bus.isAlone }
    hub.windows.setHearing { shared.bus.isListening }
    shared.bus.onSubscribed {
      // What was said meanwhile is lost.
      rooms.forgetEverything()
      hub.windows.beganHearing()
    }
  }

  /// Returns once Redis is connected, or has been given a moment: a server starts without it too.
  func start() async {
    guard let shared else { return }
    shared.client.start()
    shared.bus.start()
    shared.presence.start()
    let deadline = ContinuousClock.now + .milliseconds(500)
    while !Self.isConnected(shared), ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(5)) }
  }

  private static func isConnected(_ shared: Shared) -> Bool {
    shared.client.health.isConnected && shared.bus.isListening
  }

  /// Blocks.
  func close() {
    guard let shared else { return }
    shared.presence.close()
    shared.bus.close()
    shared.client.close()
  }

  struct Disconnected: Error {}

  var probes: [HealthMonitor.Backend] {
    guard let shared else { return [] }
    return [
      HealthMonitor.Backend(name: "redis", isEssential: false) {
        guard Self.isConnected(shared) else { throw Disconnected() }
      }
    ]
  }
}
