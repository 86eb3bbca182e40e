import ChatRooms
import Drivers

/// Where servers leave loaded tails for each other, and agree who loads one. Everything in it may be lost.
public protocol TailExchange: Sendable {
  /// The tail that was left for a room, encoded; `nil` if there is none, or the exchange does not answer.
  func tail(of room: RoomID) async -> [UInt8]?

  /// The right to load a room's tail, for longer than a load may take.
  func lease(_ room: RoomID) async -> TailLease

  /// Leaves a tail and gives the lease back, if it is still this one.
  func leave(_ tail: [UInt8], room: RoomID, token: String) async

  /// Gives the lease back after a load that failed.
  func release(room: RoomID, token: String) async
}

public enum TailLease: Sendable, Equatable {
  case granted(token: String)
  /// Another server is loading.
  case taken
  /// The exchange does not answer: each server for itself.
  case unavailable
}

/// Loads each room's tail once in the cluster: the first server reads it, the others take what it left.
///
/// What was left counts only where it can be brought, from the journal, to the position that the database has at this
/// moment; so a lost or old value costs a read and never a hole.
struct SharedTailLoader: TailLoading {
  /// How often a waiting server looks for what the loading one leaves.
  static let pollInterval: Duration = .milliseconds(20)
  var base: TailLoader
  var exchange: any TailExchange
  var reused: Counter
  /// Loads that waited for another server's.
  var waits = Counter()
  /// After this long a server loads by itself, whoever holds the lease.
  var patience = HistoryPatience.exchange

  func load(_ room: Room, newest count: Int) async throws -> RoomTail {
    let deadline = ContinuousClock.now + patience
    var isWaiting = false
    repeat {
      if let tail = try await usableTail(of: room, count) { return tail }
      switch await exchange.lease(room.id) {
      case .granted(let token): return try await load(room, count, token: token)
      case .taken:
        if !isWaiting { waits.add() }
        isWaiting = true
        try await Task.sleep(for: Self.pollInterval)
      case .unavailable: return try await base.load(room, newest: count)
      }
    } while ContinuousClock.now < deadline
    return try await base.load(room, newest: count)
  }

  private func load(_ room: Room, _ count: Int, token: String) async throws -> RoomTail {
    do {
      // Another may have finished between the look and the lease.
      let tail =
        if let left = try await usableTail(of: room, count) { left } else { try await base.load(room, newest: count) }
      if tail.isPartial {
        await exchange.release(room: room.id, token: token)
      } else {
        await exchange.leave(TailCodec.encode(tail), room: room.id, token: token)
      }
      return tail
    } catch {
      await exchange.release(room: room.id, token: token)
      throw error
    }
  }

  private func usableTail(of room: Room, _ count: Int) async throws -> RoomTail? {
    guard let bytes = await exchange.tail(of: room.id),
      let tail = TailCodec.decode(bytes, room: room.id, capacity: count)
    else { return nil }
    let current = try await base.advance(tail, of: room)
    if current != nil { reused.add() }
    return current
  }
}

extension TailLoader {
  /// Brings a tail to the present from the journal alone. `nil` where that cannot be done.
  func advance(_ tail: RoomTail, of room: Room) async throws -> RoomTail? {
    guard let position = try await journal.position(of: room.id) else { throw ChatError.roomNotFound(room.id) }
    let behind = position.lastEvent - tail.position.lastEvent
    guard position.epoch == tail.position.epoch, (0...Int64(HistoryLimits.block)).contains(behind) else { return nil }
    guard behind > 0 else { return tail }
    let changes = try await journal.changes(in: room.id, after: tail.position.lastEvent, limit: Int(behind))
      .filter { $0.event <= position.lastEvent }
    let seqs = Set(tail.position.lastSeq + 1..<position.lastSeq + 1).union(changes.map(\.seq).filter { $0 > 0 })
    let messages = seqs.isEmpty ? [] : try await journal.messages(in: room.id, seqs: seqs.sorted())
    guard messages.count == seqs.count else { return nil }
    try await journal.flush()
    return tail.advanced(to: position, changes: changes, messages: messages)
  }
}
