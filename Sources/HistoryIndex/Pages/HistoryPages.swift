import ChatRooms
import Drivers

/// Reads pages of history, from memory where a room is asked for more than once. Deleted messages are left out, and a
/// page is filled up over them.
public struct HistoryPages: Sendable {
  /// Blocks that one page may have to read: a longer run of deleted messages is walked in the stores.
  private static let maximumFills = 4

  public let journal: any Journal
  let history: any History
  private let hub: RoomHub?

  /// - Parameter hub: keeps rooms in memory; `nil`: every page is read from the stores.
  public init(journal: any Journal, history: any History, hub: RoomHub? = nil) {
    self.journal = journal
    self.history = history
    self.hub = hub
  }

  /// Whether this server can tell at once what a room's newest state is. `immediate` answers only while it can.
  public var knowsAtOnce: Bool { hub?.windows.isAlone ?? false }

  /// The page, where it can be made at once; `nil`: ask `rendered`. Never waits.
  public func immediate(of room: Room, _ query: HistoryQuery) -> RenderedPage? {
    let now = RoomWindows.now()
    guard let hub, knowsAtOnce, let window = hub.windows.current(room, now: now),
      case .page(let page) = window.answer(query, now: now)
    else { return nil }
    hub.countPage()
    return page
  }

  /// - Throws: `ChatError` 404 for a room that is gone, 503 while a store does not answer.
  public func rendered(of room: Room, _ query: HistoryQuery) async throws -> RenderedPage {
    guard let hub else { return RenderedPage(try await page(of: room, query)) }
    if let page = await remembered(of: room, query, hub) { return page }
    do {
      return RenderedPage(try await page(of: room, query))
    } catch let error where Self.isOutage(error) {
      // What is in memory is as old as the outage, or it is not given.
      let now = RoomWindows.now()
      guard let window = hub.windows.latest(room),
        case .page(let page) = window.answer(query, now: now)
      else { throw error }
      return page
    }
  }

  private static func isOutage(_ error: any Error) -> Bool {
    if let error = error as? ChatError { return error.status == 503 }
    return error.isDatabaseOutage
  }

  /// From memory, after reading what is missing there.
  private func remembered(of room: Room, _ query: HistoryQuery, _ hub: RoomHub) async -> RenderedPage? {
    var now = RoomWindows.now()
    if !hub.windows.has(room.id) {
      // A room that is asked for once is not worth more than its page.
      let isRepeated = hub.windows.ask(room.id, now: now)
      guard isRepeated else {
        hub.want(room, isRepeated: false)
        return nil
      }
      await hub.windows.wait(for: room.id, now: now) { hub.want(room, isRepeated: true) }
    }
    var head: Int64?
    if !hub.windows.isAlone {
      guard let newest = try? await journal.head(ofLane: room.lane) else { return nil }
      head = newest
    }
    for _ in 0..<Self.maximumFills {
      now = RoomWindows.now()
      let current = head.map { hub.windows.current(room, reaching: $0) } ?? hub.windows.current(room, now: now)
      guard let window = current else { return nil }
      switch window.answer(query, now: now) {
      case .page(let page):
        hub.countPage()
        return page
      case .missing(let seqs):
        // A block may reach into what is not there at the moment, though the page does not.
        guard (try? await window.fill(seqs, history: history, journal: journal)) != nil else { return nil }
      case .behind: return nil
      }
    }
    return nil
  }

  /// From the stores.
  ///
  /// - Throws: as `rendered`.
  public func page(of room: Room, _ query: HistoryQuery) async throws -> HistoryPage {
    guard let position = try await journal.position(of: room.id) else { throw ChatError.roomNotFound(room.id) }
    let (before, after) = try await HistoryScan(history: history, room: room, lastSeq: position.lastSeq).messages(query)
    let shown = query.shown(before: before.count, after: after.count)
    return HistoryPage(
      messages: before.suffix(shown.before) + after.prefix(shown.after), hasMoreBefore: before.count > shown.before,
      hasMoreAfter: after.count > shown.after, position: position)
  }
}
