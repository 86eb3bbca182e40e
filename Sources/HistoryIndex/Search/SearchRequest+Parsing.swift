import ChatRooms
import Foundation

extension SearchRequest {
  /// The query as a tree, read at this moment and in the caller's time zone.
  ///
  /// - Throws: `ChatError` 400 for a time zone that is none or a query that is too long.
  func parsed() throws -> SearchQuery {
    guard let timeZone = TimeZone(identifier: timeZone) else {
      throw ChatError.invalid("tz", "A time zone of the IANA database is expected, such as Europe/Berlin.")
    }
    let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    let tree = try SearchQueryParser(now: now, timeZone: timeZone, me: caller?.name).parse(query)
    return isLastWordPrefix ? tree.withLastWordAsPrefix(typed: query) : tree
  }
}

extension RoomStore {
  /// The room that a query names.
  func room(_ reference: SearchQuery.RoomReference) async throws -> Room? {
    switch reference {
    case .name(let name): try await room(named: name)
    case .id(let id): try await room(id)
    }
  }
}
