import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// `GET /v1/search` and `GET /v1/search/suggest`.
struct SearchRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator
  var gate: SearchGate

  /// Unicode code points of a query.
  static let queryLength = 1_000
  static let limits = 1...100
  static let defaultLimit = 20
  /// Rooms that may be named in one search.
  static let mostRooms = 100
  static let suggestionLimits = 1...50
  static let defaultSuggestions = 10

  func add(to router: inout Router) {
    router.on("GET", "/v1/search", begin: begin, search)
    router.on("GET", "/v1/search/suggest", suggest)
  }

  /// What one search is asked for, beside who asks.
  private struct Asked {
    let start: ContinuousClock.Instant
    let identity: Identity
    var request: SearchRequest
    let context: Int?

    var key: ScopeKey { ScopeKey(user: identity.user?.id, isAdmin: identity.caller.isAdmin) }
  }

  private func search(_ routed: RoutedRequest) async throws -> HTTPReply {
    let start = ContinuousClock.now
    let asked = try asked(routed, by: try await authenticator.identify(routed.request).reading, since: start)
    let deadline = start + SearchRequest.standardDeadline
    return try await gate.pass(asked.identity.user?.name, weight: asked.request.weight, by: deadline) {
      try await reply(to: asked, routed)
    }
  }

  /// Sends the search to the index at once, where it is known what its caller could read and what the index did not show
  /// a moment ago. Both are read meanwhile, and what was assumed wrongly is done again.
  private func begin(_ routed: RoutedRequest) throws -> BegunReply? {
    let start = ContinuousClock.now
    guard let identity = try authenticator.identifyFromMemory(routed.request) else { return nil }
    var asked = try asked(routed, by: identity, since: start)
    guard let scope = services.rooms.expectedScope(asked.key),
      let rooms = try roomsFromMemory(routed, identity, scope)
    else { return nil }
    asked.request.scope = scope
    asked.request.rooms = rooms
    guard let prepared = services.search.prepare(asked.request, of: asked.key),
      let admission = gate.admit(identity.user?.name, weight: asked.request.weight)
    else { return nil }
    let begun = prepared.begin()
    return BegunReply(
      whenReady: begun.whenAnswered, replyAtOnce: { [asked] in try? replyAtOnce(to: asked, begun) },
      reply: { [asked] in
        // It is let in for as long as it goes on.
        defer { withExtendedLifetime(admission) {} }
        return try await reply(to: asked, begun, routed)
      })
  }

  /// An error is left to the longer way, which meets it too.
  private func replyAtOnce(to asked: Asked, _ begun: any BegunSearch) throws -> HTTPReply? {
    guard asked.context == nil, case .page(let page)? = try begun.outcomeAtOnce() else { return nil }
    var names: [RoomID: String?] = [:]
    for id in Set(page.rooms) {
      guard let room = services.rooms.roomInMemory(id) else { return nil }
      names.updateValue(room.name, forKey: id)
    }
    services.rooms.remember(asked.request.scope, of: asked.key, readAt: asked.start)
    return reply(SearchResults(page: page, names: names, context: nil, milliseconds: 0), to: asked)
  }

  private func reply(to asked: Asked, _ begun: any BegunSearch, _ routed: RoutedRequest) async throws -> HTTPReply {
    switch try await begun.outcome() {
    case .page(let page):
      services.rooms.remember(asked.request.scope, of: asked.key, readAt: asked.start)
      return try await reply(page, to: asked)
    case .unconfirmed(let page) where services.rooms.expectedScope(asked.key) == asked.request.scope:
      return try await reply(page, to: asked)
    case .unconfirmed, .overtaken: return try await reply(to: asked, routed)
    }
  }

  private func reply(to asked: Asked, _ routed: RoutedRequest) async throws -> HTTPReply {
    var asked = asked
    asked.request.look = nil
    // Read when it is the search's turn: what the caller may read now.
    asked.request.rooms = try await rooms(routed, asked.identity)
    let start = ContinuousClock.now
    if let ground = await services.search.ground(of: asked.key) {
      (asked.request.scope, asked.request.look) = (ground.scope, ground.look)
      services.rooms.remember(ground.scope, of: asked.key, readAt: start)
    } else {
      asked.request.scope = try await services.rooms.readScope(of: asked.key.user, isAdmin: asked.key.isAdmin)
    }
    return try await reply(try await services.search.search(asked.request), to: asked)
  }

  private func reply(_ page: SearchPage, to asked: Asked) async throws -> HTTPReply {
    var results = SearchResults(page: page, names: try await names(of: Set(page.rooms)), context: nil, milliseconds: 0)
    if let context = asked.context {
      results.context = try await SearchContext(rooms: services.rooms, history: services.history)
        .messages(around: page.hits, count: context)
    }
    return reply(results, to: asked)
  }

  private func reply(_ results: SearchResults, to asked: Asked) -> HTTPReply {
    var results = results
    results.milliseconds = Int((ContinuousClock.now - asked.start) / .milliseconds(1))
    return .response(.json(capacity: results.size) { results.write(to: &$0) })
  }

  private func names(of rooms: Set<RoomID>) async throws -> [RoomID: String?] {
    var names = Dictionary(uniqueKeysWithValues: rooms.map { ($0, String?.none) })
    do {
      for room in try await services.rooms.rooms(rooms) { names.updateValue(room.name, forKey: room.id) }
    } catch let error where error.isDatabaseOutage {
      // A name is no reason to keep back what was found.
      let found = await withTaskGroup(of: Room?.self) { group in
        for id in rooms { group.addTask { try? await services.rooms.room(id) } }
        return await group.reduce(into: [Room]()) { if let room = $1 { $0.append(room) } }
      }
      for room in found { names.updateValue(room.name, forKey: room.id) }
    }
    return names
  }

  private func suggest(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request).reading
    let typed = try query(routed)
    let limit = try routed.limit(in: Self.suggestionLimits, default: Self.defaultSuggestions)
    let suggestions = try await gate.pass(identity.user?.name, by: .now + SearchRequest.standardDeadline) {
      try await SearchSuggestions(rooms: services.rooms, reader: identity.user?.id, isAdmin: identity.caller.isAdmin)
        .suggestions(for: typed, limit: limit)
    }
    return .response(
      .json { writer in
        writer.key("suggestions")
        writer.array { for suggestion in suggestions { suggestion.write(to: &$0) } }
      })
  }

  // MARK: Parameters

  private func asked(
    _ routed: RoutedRequest, by identity: Identity, since start: ContinuousClock.Instant
  ) throws -> Asked {
    let request = routed.request
    let sortName = request.parameter("sort") ?? SearchSort.recent.rawValue
    guard let sort = SearchSort(rawValue: sortName) else {
      throw ChatError.invalid("sort", "sort is recent, relevance or oldest, not '\(sortName.prefix(40))'.")
    }
    let zone = request.parameter("tz") ?? "UTC"
    guard TimeZone(ofSearch: zone) != nil else {
      throw ChatError.invalid("tz", "tz is a time zone such as Europe/Berlin, not '\(zone.prefix(40))'.")
    }
    let search = SearchRequest(
      query: try query(routed), scope: ReadScope(isUnlimited: false, rooms: [], closedRooms: []), sort: sort,
      limit: try routed.limit(in: Self.limits, default: Self.defaultLimit), cursor: request.parameter("cursor"),
      timeZone: zone, caller: identity.user, isLastWordPrefix: try isLastWordPrefix(request),
      facets: try facets(request), deadline: start + SearchRequest.standardDeadline)
    let context = try routed.integer(
      "context", in: Int64(SearchContext.bounds.lowerBound)...Int64(SearchContext.bounds.upperBound))
    return Asked(start: start, identity: identity, request: search, context: context.map(Int.init))
  }

  private func query(_ routed: RoutedRequest) throws(ChatError) -> String {
    let query = routed.request.parameter("q") ?? ""
    guard query.unicodeScalars.count <= Self.queryLength else {
      throw .invalid("q", "q is at most 1,000 characters.")
    }
    return query
  }

  private func isLastWordPrefix(_ request: HTTPRequest) throws(ChatError) -> Bool {
    guard let prefix = request.parameter("prefix") else { return false }
    guard prefix == "last" else {
      throw .invalid("prefix", "prefix is last, or is left out; not '\(prefix.prefix(40))'.")
    }
    return true
  }

  private func facets(_ request: HTTPRequest) throws(ChatError) -> [SearchFacets.Kind] {
    var kinds: [SearchFacets.Kind] = []
    for name in (request.parameter("facets") ?? "").split(separator: ",") {
      guard let kind = SearchFacets.Kind(rawValue: String(name)) else {
        throw .invalid("facets", "facets are room, user and month, with commas between; not '\(name.prefix(40))'.")
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  private func rooms(_ routed: RoutedRequest, _ identity: Identity) async throws -> [Room] {
    let ids = try roomIDs(routed)
    // All at once, rather than one after the other below.
    if ids.count > 1 { _ = try await services.rooms.rooms(Set(ids)) }
    var rooms: [Room] = []
    for id in ids { rooms.append(try await RoomAccess(rooms: services.rooms).readable(id, by: identity)) }
    return rooms
  }

  /// As above, from memory: public rooms and those of the scope, which is to be confirmed. `nil` where that is not enough.
  private func roomsFromMemory(_ routed: RoutedRequest, _ identity: Identity, _ scope: ReadScope) throws -> [Room]? {
    var rooms: [Room] = []
    for id in try roomIDs(routed) {
      guard let room = try RoomAccess(rooms: services.rooms).readableFromMemory(id, by: identity),
        room.kind == .public || scope.isUnlimited || scope.rooms.contains(id), !scope.closedRooms.contains(id)
      else { return nil }
      rooms.append(room)
    }
    return rooms
  }

  private func roomIDs(_ routed: RoutedRequest) throws(ChatError) -> [RoomID] {
    let values = Set(routed.request.parameters("room"))
    guard values.count <= Self.mostRooms else { throw .invalid("room", "At most 100 rooms can be named.") }
    var ids: [RoomID] = []
    for value in values.sorted() {
      guard let id = RoomID(value), id > 0 else {
        throw .invalid("room", "room is a room's id, a whole number from 1 on, not '\(value.prefix(40))'.")
      }
      ids.append(id)
    }
    return ids
  }
}

extension SearchPage {
  /// Every room that the page names.
  var rooms: [RoomID] {
    hits.map(\.message.room) + (facets?.buckets[.room] ?? []).compactMap { RoomID($0.value) }
  }
}
