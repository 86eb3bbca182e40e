import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// `GET /v1/search`.
struct SearchRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator

  /// Unicode code points of a query.
  static let queryLength = 1_000
  static let limits = 1...100
  static let defaultLimit = 20
  /// Rooms that may be named in one search.
  static let mostRooms = 100

  func add(to router: inout Router) { router.on("GET", "/v1/search", search) }

  private func search(_ routed: RoutedRequest) async throws -> HTTPReply {
    let start = ContinuousClock.now
    let identity = try await authenticator.identify(routed.request)
    let request = try await searchRequest(routed, identity)
    let page = try await services.search.search(request)
    var names: [RoomID: String?] = [:]
    for hit in page.hits where names[hit.message.room] == nil {
      names[hit.message.room] = try await services.rooms.room(hit.message.room)?.name
    }
    let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
    return .response(Self.reply(page, names: names, milliseconds: Int(milliseconds)))
  }

  private func searchRequest(_ routed: RoutedRequest, _ identity: Identity) async throws -> SearchRequest {
    let request = routed.request
    let query = request.parameter("q") ?? ""
    guard query.unicodeScalars.count <= Self.queryLength else {
      throw ChatError.invalid("q", "q is at most 1,000 characters.")
    }
    let sortName = request.parameter("sort") ?? SearchSort.recent.rawValue
    guard let sort = SearchSort(rawValue: sortName) else {
      throw ChatError.invalid("sort", "sort is recent, relevance or oldest, not '\(sortName.prefix(40))'.")
    }
    let zone = request.parameter("tz") ?? "UTC"
    guard TimeZone(identifier: zone) != nil else {
      throw ChatError.invalid("tz", "tz is a time zone such as Europe/Berlin, not '\(zone.prefix(40))'.")
    }
    return SearchRequest(
      query: query, scope: try await services.rooms.readScope(of: identity.user?.id, isAdmin: identity.caller.isAdmin),
      rooms: try await rooms(routed, identity), sort: sort,
      limit: try routed.limit(in: Self.limits, default: Self.defaultLimit), cursor: request.parameter("cursor"),
      timeZone: zone, caller: identity.user)
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

  private static func reply(_ page: SearchPage, names: [RoomID: String?], milliseconds: Int) -> HTTPResponse {
    .json { writer in
      writer.key("hits")
      writer.array { for hit in page.hits { self.hit(hit, in: &$0) } }
      writer.key("rooms")
      writer.object {
        for (id, name) in names.sorted(by: { $0.key < $1.key }) {
          $0.key(String(id))
          $0.object {
            $0.key("name")
            if let name { $0.value(name) } else { $0.null() }
          }
        }
      }
      writer.key("total")
      writer.object {
        $0.member("value", page.total)
        $0.member("relation", page.isTotalLowerBound ? "gte" : "eq")
      }
      writer.key("next")
      if let next = page.next { writer.value(next) } else { writer.null() }
      writer.member("took_ms", milliseconds)
      writer.member("complete", page.isComplete)
      writer.member("fresh_as_of", page.freshAsOf)
    }
  }

  private static func hit(_ hit: SearchHit, in writer: inout JSONWriter) {
    writer.object {
      $0.key("message")
      $0.object { MessageWire.members(of: hit.message, in: &$0) }
      $0.key("score")
      if let score = hit.score { $0.value(score) } else { $0.null() }
      $0.key("highlights")
      $0.array {
        for highlight in hit.highlights {
          $0.array {
            $0.value(highlight.start)
            $0.value(highlight.length)
          }
        }
      }
    }
  }
}
