import ChatRooms
import Drivers
import Foundation

/// Full-text search in Elasticsearch.
///
/// The index finds; what it cannot tell is looked for in the texts that it gives (`LiteralCheck`), page by page until a
/// page is filled or a bound is reached.
public struct ElasticsearchSearch: Search {
  typealias Parser = @Sendable (SearchRequest) throws -> SearchQuery

  /// A request of ours gives up this much after the shards' own deadline.
  private static let grace: Duration = .seconds(1)
  /// A page that has nothing yet gets this much time at least, and less is not worth asking for more.
  private static let leastFirst: Duration = .milliseconds(500)
  private static let leastMore: Duration = .milliseconds(20)
  /// Hits that a page with literals looks through.
  private static let mostChecked = 4_000

  private static let refreshTimeout: Duration = .seconds(2)

  private let client: ElasticsearchClient
  private let alias: String
  private let tail: SearchTail
  private let parse: Parser
  private let resolve: RoomResolver
  /// For requests that bring none.
  private let standardDeadline: Duration
  private let log: Log

  /// - Parameters:
  ///   - journal: what the index does not show yet.
  ///   - rooms: resolves the rooms that queries name.
  public init(
    client: ElasticsearchClient, names: IndexNames, journal: any Journal, rooms: any RoomStore, log: Log
  ) {
    self.init(
      client: client, names: names, journal: journal, resolve: { try await rooms.rooms($0, $1) }, log: log)
  }

  init(
    client: ElasticsearchClient, names: IndexNames, journal: any Journal, parse: @escaping Parser = { try $0.parsed() },
    resolve: @escaping RoomResolver, log: Log, deadline: Duration = SearchRequest.standardDeadline
  ) {
    standardDeadline = deadline
    self.client = client
    self.alias = names.read
    let alias = names.read
    tail = SearchTail(journal: journal) {
      guard try await client.refresh(alias, timeout: Self.refreshTimeout).failed == 0 else {
        throw UnexpectedReply(expected: "a refresh of all shards")
      }
    }
    self.parse = parse
    self.resolve = resolve
    self.log = log
  }

  /// Refreshes the index while searches come, so that what it shows need not be matched here. Until it is cancelled.
  public func upkeep() async { await tail.run() }

  public func look() async -> SearchLook? { SearchLook(view: await tail.current()) }

  public func search(_ request: SearchRequest) async throws -> SearchPage {
    let deadline = request.deadline ?? .now + standardDeadline
    let cursor = try request.cursor.map { text throws(ChatError) in try SearchCursor(text, for: request) }
    let typed = try parse(request)
    let query = request.sort == .relevance ? typed.widened : typed
    let rooms = try await query.namedRooms(request, resolve)
    return try await reading {
      // Before the search: what leaves the tail later is in the index by then.
      let view = if let look = request.look { look.view } else { await tail.current() }
      let matches = TailMatches(view, request, TailQuery(query, rooms: rooms), cursor: cursor)
      let pass = SearchPass(
        request: request, query: query, compiled: SearchCompiler(query, rooms: rooms).compile(exact: typed),
        routing: Self.routing(query, request, rooms), cursor: cursor, tail: matches)
      var page = try await run(pass, by: deadline)
      // A search that was cut short reflects less than it might.
      page.freshAsOf = page.isComplete ? view.freshAsOf : 0
      return page
    }
  }

  /// One room lies on one shard.
  private static func routing(
    _ query: SearchQuery, _ request: SearchRequest, _ rooms: NamedRooms
  ) -> String? {
    if request.rooms.count == 1 { return request.rooms[0].routing }
    let parts = if case .all(let parts) = query { parts } else { [query] }
    for case .room(let reference) in parts {
      let named = rooms.filter { $0.reference == reference }
      if named.count == 1 { return named[0].room.routing }
    }
    return nil
  }

  private func run(_ pass: SearchPass, by deadline: ContinuousClock.Instant) async throws -> SearchPage {
    var gathering = SearchGathering(pass)
    var position = pass.start
    var isFirst = true
    repeat {
      let left = isFirst ? max(deadline - .now, Self.leastFirst) : deadline - .now
      guard left > Self.leastMore else {
        gathering.cutShort()
        break
      }
      let size = pass.size(found: gathering.hits.count, looked: gathering.looked)
      let reply = try await ask(pass, size: size, after: position, isFirst: isFirst, within: left)
      gathering.add(reply, asked: size)
      position = reply.hits.last.map { SearchPosition($0.hit.message, score: $0.hit.score) }
      isFirst = false
    } while !gathering.isFull && !gathering.isExhausted && gathering.looked < Self.mostChecked
    return highlighted(gathering.page, pass.query)
  }

  /// Marked here, as the index would: it cuts texts in the same way, and need not send them twice.
  private func highlighted(_ page: SearchPage, _ query: SearchQuery) -> SearchPage {
    var page = page
    var highlighter = SearchHighlighter(query)
    for index in page.hits.indices {
      page.hits[index].highlights = highlighter.highlights(page.hits[index].message.text)
    }
    return page
  }

  private func ask(
    _ pass: SearchPass, size: Int, after position: SearchPosition?, isFirst: Bool, within time: Duration
  ) async throws -> SearchReply {
    let body = SearchBody(
      request: pass.request, query: pass.compiled, hidden: pass.tail.hidden, size: size, after: position,
      timeout: max(1, Milliseconds(time / .milliseconds(1))),
      now: Milliseconds(Date().timeIntervalSince1970 * 1_000), facets: isFirst ? pass.request.facets : [])
    // Without `filter_path`: to leave things out, Elasticsearch reads each document anew, which costs it a sixth more.
    var parameters = "allow_partial_search_results=true"
    if let routing = pass.routing { parameters += "&routing=\(routing.percentEncoded)" }
    var writer = JSONWriter(capacity: 1_024)
    writer.value(body.json)
    return try SearchReply(
      try await client.searchReply(in: alias, parameters, body: writer.bytes, timeout: time + Self.grace))
  }

  private func reading<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch let error as ChatError {
      throw error
    } catch is CancellationError {
      throw CancellationError()
    } catch let error as ElasticsearchError where error.status == 400 {
      log.warning("a search was refused", ["error": "\(error)"])
      throw ChatError.invalid("q", "This search is too complex. Use fewer words.")
    } catch {
      log.warning("a search failed", ["error": "\(error)"])
      throw ChatError.unavailable("Search")
    }
  }
}
