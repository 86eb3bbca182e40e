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
    router.on("GET", "/v1/search", search)
    router.on("GET", "/v1/search/suggest", suggest)
  }

  private func search(_ routed: RoutedRequest) async throws -> HTTPReply {
    let start = ContinuousClock.now
    let identity = try await authenticator.identify(routed.request)
    var request = try searchRequest(routed, identity)
    let context = try routed.integer(
      "context", in: Int64(SearchContext.bounds.lowerBound)...Int64(SearchContext.bounds.upperBound))
    let deadline = start + SearchRequest.standardDeadline
    request.deadline = deadline
    let reply = try await gate.pass(identity.user?.name, weight: request.weight, by: deadline) { [request] in
      var request = request
      async let look = services.search.look()
      // Read when it is the search's turn: what the caller may read now.
      request.rooms = try await rooms(routed, identity)
      request.scope = try await services.rooms.readScope(of: identity.user?.id, isAdmin: identity.caller.isAdmin)
      request.look = await look
      return try await results(of: request, context: context.map(Int.init), since: start)
    }
    return .response(.json(capacity: reply.size) { reply.write(to: &$0) })
  }

  private func results(
    of request: SearchRequest, context: Int?, since start: ContinuousClock.Instant
  ) async throws -> SearchResults {
    let page = try await services.search.search(request)
    var reply = SearchResults(page: page, names: [:], context: nil, milliseconds: 0)
    reply.names = try await names(of: Set(page.rooms))
    if let context {
      reply.context = try await SearchContext(rooms: services.rooms, history: services.history)
        .messages(around: page.hits, count: context)
    }
    reply.milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
    return reply
  }

  private func names(of rooms: Set<RoomID>) async throws -> [RoomID: String?] {
    var names = Dictionary(uniqueKeysWithValues: rooms.map { ($0, String?.none) })
    for room in try await services.rooms.rooms(rooms) { names.updateValue(room.name, forKey: room.id) }
    return names
  }

  private func suggest(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
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

  private func searchRequest(_ routed: RoutedRequest, _ identity: Identity) throws -> SearchRequest {
    let request = routed.request
    let sortName = request.parameter("sort") ?? SearchSort.recent.rawValue
    guard let sort = SearchSort(rawValue: sortName) else {
      throw ChatError.invalid("sort", "sort is recent, relevance or oldest, not '\(sortName.prefix(40))'.")
    }
    let zone = request.parameter("tz") ?? "UTC"
    guard TimeZone(ofSearch: zone) != nil else {
      throw ChatError.invalid("tz", "tz is a time zone such as Europe/Berlin, not '\(zone.prefix(40))'.")
    }
    return SearchRequest(
      query: try query(routed), scope: ReadScope(isUnlimited: false, rooms: [], closedRooms: []), sort: sort,
      limit: try routed.limit(in: Self.limits, default: Self.defaultLimit), cursor: request.parameter("cursor"),
      timeZone: zone, caller: identity.user, isLastWordPrefix: try isLastWordPrefix(request),
      facets: try facets(request))
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
    let values = Set(routed.request.parameters("room"))
    guard values.count <= Self.mostRooms else { throw ChatError.invalid("room", "At most 100 rooms can be named.") }
    var rooms: [Room] = []
    for value in values.sorted() {
      guard let id = RoomID(value), id > 0 else {
        throw ChatError.invalid("room", "room is a room's id, a whole number from 1 on, not '\(value.prefix(40))'.")
      }
      rooms.append(try await RoomAccess(rooms: services.rooms).readable(id, by: identity))
    }
    return rooms
  }
}

extension SearchPage {
  /// Every room that the page names.
  var rooms: [RoomID] {
    hits.map(\.message.room) + (facets?.buckets[.room] ?? []).compactMap { RoomID($0.value) }
  }
}
