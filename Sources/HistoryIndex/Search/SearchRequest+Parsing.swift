import ChatRooms
import Foundation

extension SearchRequest {
  /// The query as a tree, read at this moment and in the caller's time zone.
  ///
  /// - Throws: `ChatError` 400 for a time zone that is none or a query that is too long.
  func parsed() throws -> SearchQuery {
    guard let timeZone = TimeZone(ofSearch: timeZone) else {
      throw ChatError.invalid("tz", "A time zone of the IANA database is expected, such as Europe/Berlin.")
    }
    let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    let tree = try SearchQueryParser(now: now, timeZone: timeZone, me: caller?.name).parse(query)
    return isLastWordPrefix ? tree.withLastWordAsPrefix(typed: query) : tree
  }
}

extension TimeZone {
  /// The zone that a search names, an IANA name; `nil` if it is none.
  public init?(ofSearch name: String) {
    if name == "UTC" { self = .gmt } else { self.init(identifier: name) }
  }
}
