import ChatRooms
import Drivers
import HistoryIndex

@testable import server

/// A server's routes over parts in memory.
struct TestServer {
  let store = MemoryRoomStore()
  let presence = MemoryPresence()
  let bus = MemoryBus()
  let journal = MemoryJournal()
  let metrics = Metrics()
  let phase = ServerPhase()
  let router: Router

  init(
    mode: ((MemoryRoomStore) -> Authenticator.Mode)? = nil, monitor: HealthMonitor? = nil
  ) {
    let history = MemoryHistory()
    let log = Log.silent
    let writer = JournalWriter(journal: journal, writers: 1, metrics: metrics, log: log) { _ in }
    let services = Services(
      rooms: store, presence: presence, bus: bus, journal: journal, writer: writer,
      hub: RoomHub(journal: journal, history: history, exchange: nil, metrics: metrics, log: log), history: history,
      search: history, erasures: ErasureLedger(NoDatabase()),
      metrics: metrics, log: log)
    let authenticator = Authenticator(mode: mode?(store) ?? .open(isAllowedAnywhere: false), rooms: store)
    router = APIRoutes.router(
      services: services, authenticator: authenticator, phase: phase, monitor: monitor ?? HealthMonitor([]))
    phase.enter(.serving)
  }

  /// Tokens here are `NAME`, or `NAME!` for an admin.
  static func tokens() -> TestServer {
    TestServer(mode: { _ in
      .token { token throws(ChatError) in
        guard token != "bad" else { throw ChatError.unauthorized }
        return TokenClaims(
          name: token.replacing("!", with: ""), isAdmin: token.hasSuffix("!"), expiresAt: 9_999_999_999_999)
      }
    })
  }

  struct Reply {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: JSONValue
    var upgrade: WebSocketUpgrade?

    var error: String? { body["error"]?.string }
    var parameter: String? { body["parameter"]?.string }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  }

  /// As the edge asks: first for what can be answered at once.
  private func reply(to request: HTTPRequest) async throws -> HTTPReply {
    if let reply = router.immediate(request) { return reply }
    return try await router.handle(request)
  }

  /// - Parameter target: `/v1/search?q=a&limit=3`; nothing in it is decoded.
  func call(
    _ method: String, _ target: String, body: String = "", headers: [String: String] = [:]
  ) async throws -> Reply {
    let parts = target.split(separator: "?", maxSplits: 1)
    let pairs = parts.count < 2 ? [] : parts[1].split(separator: "&")
    let query = pairs.map { pair -> (name: String, value: String) in
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
    }
    let request = HTTPRequest(
      method: method, path: parts[0].split(separator: "/").map(String.init), query: query, headers: headers,
      body: Array(body.utf8), id: "r-1", remoteAddress: "127.0.0.1")
    switch try await reply(to: request) {
    case .response(let response):
      let value = (try? JSONValue(parsing: response.body)) ?? .string(String(decoding: response.body, as: UTF8.self))
      return Reply(status: response.status, headers: response.headers, body: value)
    case .webSocket(let upgrade): return Reply(status: 101, headers: [], body: .null, upgrade: upgrade)
    }
  }
}

/// For what no test of routes comes to.
private struct NoDatabase: SQLDatabase {
  let dialect = SQLDialect.sqlite

  func withConnection<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    throw unavailable
  }

  func submitRead(_ job: @escaping @Sendable (Result<any SQLConnection, any Error>) -> Void) {
    job(.failure(unavailable))
  }

  private var unavailable: SQLError { SQLError(kind: .unavailable, code: 0, message: "no database") }
}
