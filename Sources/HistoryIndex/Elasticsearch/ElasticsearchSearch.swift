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

  let client: ElasticsearchClient
  private let alias: String
  private let tail: SearchTail
  private let standings: SearchStandings?
  private let parse: Parser
  private let resolve: RoomResolver
  /// For requests that bring none.
  private let standardDeadline: Duration
  private let log: Log

  /// - Parameters:
  ///   - journal: what the index does not show yet.
  ///   - standings: lets searches begin before they have looked; `nil`: none do.
  ///   - rooms: resolves the rooms that queries name.
  public init(
    client: ElasticsearchClient, names: IndexNames, journal: any Journal, standings: SearchStandings? = nil,
    rooms: any RoomStore, log: Log
  ) {
    self.init(
      client: client, names: names, journal: journal, standings: standings,
      resolve: { try await rooms.rooms($0, $1) }, log: log)
  }

  init(
    client: ElasticsearchClient, names: IndexNames, journal: any Journal, standings: SearchStandings? = nil,
    parse: @escaping Parser = { try $0.parsed() },
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
    self.standings = standings
    self.parse = parse
    self.resolve = resolve
    self.log = log
  }

  /// Refreshes the index while searches come, so that what it shows need not be matched here. Until it is cancelled.
  public func upkeep() async { await tail.run() }

  public func ground(of key: ScopeKey) async -> SearchGround? {
    guard let question = standings?.begin(key) else { return nil }
    // The first search for a while looks for itself, meanwhile.
    let own: SearchTail.View? = await tail.isWatched ? nil : tail.current()
    guard let standing = try? await question.value.get() else { return nil }
    let view = if let own { own } else { await tail.current(reaching: standing.heads) }
    return SearchGround(scope: standing.scope, look: SearchLook(view: view))
  }

  public func search(_ request: SearchRequest) async throws -> SearchPage {
    let asked = try Asked(request, parse)
    let rooms = try await asked.query.namedRooms(request, resolve)
    let deadline = request.deadline ?? .now + standardDeadline
    return try await reading {
      // Before the search: what leaves the tail later is in the index by then.
      let view = if let look = request.look { look.view } else { await tail.current() }
      let pass = pass(asked, rooms, view)
      return try await page(pass, first: begin(pass, by: deadline), by: deadline)
    }
  }

  public func prepare(_ request: SearchRequest, of key: ScopeKey) -> PreparedSearch? {
    // The rooms that a query names have to be looked up.
    guard let standings, let known = tail.known.assumed(), let asked = try? Asked(request, parse),
      asked.query.roomReferences.isEmpty
    else { return nil }
    let deadline = request.deadline ?? .now + standardDeadline
    return PreparedSearch { [self] in
      let pass = pass(asked, [], known.view)
      let first = begin(pass, by: deadline)
      return Begun(
        search: self, pass: pass, known: known, first: first, standing: standings.begin(key), deadline: deadline)
    }
  }

  /// What a request asks for.
  private struct Asked {
    let request: SearchRequest
    let cursor: SearchCursor?
    let typed: SearchQuery
    let query: SearchQuery

    init(_ request: SearchRequest, _ parse: Parser) throws {
      self.request = request
      cursor = try request.cursor.map { text throws(ChatError) in try SearchCursor(text, for: request) }
      typed = try parse(request)
      query = request.sort == .relevance ? typed.widened : typed
    }
  }

  private func pass(_ asked: Asked, _ rooms: NamedRooms, _ view: SearchTail.View) -> SearchPass {
    let (request, query) = (asked.request, asked.query)
    return SearchPass(
      request: request, query: query, compiled: SearchCompiler(query, rooms: rooms).compile(exact: asked.typed),
      routing: Self.routing(query, request, rooms), cursor: asked.cursor,
      tail: TailMatches(view, request, TailQuery(query, rooms: rooms), cursor: asked.cursor), freshAsOf: view.freshAsOf)
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

  /// A question to the index, under way.
  struct Ask {
    var size: Int
    var request: NodePool.Begun
  }

  /// Sends the first question. Never waits.
  private func begin(_ pass: SearchPass, by deadline: ContinuousClock.Instant) -> Ask {
    let time = max(deadline - .now, Self.leastFirst)
    return ask(pass, size: pass.size(found: 0, looked: 0), after: pass.start, isFirst: true, within: time)
  }

  func page(_ pass: SearchPass, first: Ask, by deadline: ContinuousClock.Instant) async throws -> SearchPage {
    var gathering = SearchGathering(pass)
    var next = first
    while true {
      let reply = try SearchReply(try await client.searchReply(to: next.request))
      gathering.add(reply, asked: next.size)
      guard !gathering.isFull, !gathering.isExhausted, gathering.looked < Self.mostChecked else { break }
      let left = deadline - .now
      guard left > Self.leastMore else {
        gathering.cutShort()
        break
      }
      next = ask(
        pass, size: pass.size(found: gathering.hits.count, looked: gathering.looked),
        after: reply.hits.last.map { SearchPosition($0.hit.message, score: $0.hit.score) }, isFirst: false, within: left
      )
    }
    return finished(gathering)
  }

  func finished(_ gathering: SearchGathering) -> SearchPage {
    var page = highlighted(gathering.page, gathering.pass.query)
    // A search that was cut short reflects less than it might.
    page.freshAsOf = page.isComplete ? gathering.pass.freshAsOf : 0
    return page
  }

  /// Marked here, as the index would: it cuts texts in the same way, and need not send them twice.
  private func highlighted(_ page: SearchPage, _ query: SearchQuery) -> SearchPage {
    var page = page
    let highlighter = SearchHighlighter(query)
    for index in page.hits.indices {
      page.hits[index].highlights = highlighter.highlights(page.hits[index].message.text)
    }
    return page
  }

  private func ask(
    _ pass: SearchPass, size: Int, after position: SearchPosition?, isFirst: Bool, within time: Duration
  ) -> Ask {
    let body = SearchBody(
      request: pass.request, query: pass.compiled, hidden: pass.tail.hidden, size: size, after: position,
      timeout: max(1, Milliseconds(time / .milliseconds(1))),
      now: Milliseconds(Date().timeIntervalSince1970 * 1_000), facets: isFirst ? pass.request.facets : [])
    // Without `filter_path`: to leave things out, Elasticsearch reads each document anew, which costs it a sixth more.
    var parameters = "allow_partial_search_results=true"
    if let routing = pass.routing { parameters += "&routing=\(routing.percentEncoded)" }
    var writer = JSONWriter(capacity: 1_024)
    writer.value(body.json)
    return Ask(
      size: size,
      request: client.beginSearch(in: alias, parameters, body: writer.bytes, timeout: time + Self.grace))
  }

  func reading<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch { throw answer(to: error) }
  }

  /// What the caller is told of a failure.
  func answer(to error: any Error) -> any Error {
    if error is ChatError || error is CancellationError { return error }
    if let error = error as? ElasticsearchError, error.status == 400 {
      log.warning("a search was refused", ["error": "\(error)"])
      return ChatError.invalid("q", "This search is too complex. Use fewer words.")
    }
    log.warning("a search failed", ["error": "\(error)"])
    return ChatError.unavailable("Search")
  }
}
