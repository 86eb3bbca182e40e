import Drivers
import Foundation
import TestSupport

/// What stands for Elasticsearch's answer.
enum IndexAnswer: Sendable, Equatable, CaseIterable {
  /// Elasticsearch's own.
  case honest
  /// 429 and 503 to everything, without passing it on.
  case overloaded
  case unavailable
  /// Of a bulk every other document is passed on, the others get 429.
  case itemsOverloaded
  /// Passed on and done, but the connection ends without an answer.
  case doneUnanswered
  /// Passed on and done, but no answer comes: the time is over for who asked.
  case doneSilent
  /// Passed on, answered late.
  case slow
  /// The index is blocked for writing, as by a full disk.
  case blocked
  /// Nothing is passed on, and nothing said.
  case silent
  /// The connection ends at once.
  case refusing
}

/// An HTTP proxy in front of Elasticsearch that answers in its stead now and then, and counts what it is asked.
final class ElasticsearchProxy: @unchecked Sendable {
  private let listener: ListeningSocket
  private let upstream: HTTPTestClient
  private let condition = NSCondition()
  private var current = IndexAnswer.honest
  private var open: [ObjectIdentifier: Connection] = [:]
  private var counts: [String: Int] = [:]
  private var underWay: [String: Int] = [:]
  private var most: [String: Int] = [:]
  private var isStopped = false

  var port: Int { listener.port }

  init(upstream: Int) throws {
    listener = try ListeningSocket()
    self.upstream = HTTPTestClient(port: upstream, timeout: .seconds(60))
    _ = WorkerThread(name: "index-accept") { [self] in accept() }
  }

  var answer: IndexAnswer {
    get { condition.withLock { current } }
    set {
      condition.withLock {
        current = newValue
        condition.broadcast()
      }
      if newValue == .refusing { cut() }
    }
  }

  /// Requests so far whose path ends in this, such as `_search`.
  func count(of endpoint: String) -> Int { condition.withLock { counts[endpoint] ?? 0 } }

  /// The most requests of this sort that were under way at one moment, since `forgetMost`.
  func mostUnderWay(of endpoint: String) -> Int { condition.withLock { most[endpoint] ?? 0 } }

  /// What tests before asked for is not this one's.
  func forgetMost() { condition.withLock { most = underWay } }

  private func begin(_ endpoint: String) {
    condition.withLock {
      counts[endpoint, default: 0] += 1
      underWay[endpoint, default: 0] += 1
      most[endpoint] = max(most[endpoint] ?? 0, underWay[endpoint] ?? 0)
    }
  }

  private func end(_ endpoint: String) { condition.withLock { underWay[endpoint, default: 0] -= 1 } }

  func cut() { for connection in condition.withLock({ Array(open.values) }) { connection.socket.abort() } }

  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
    }
    listener.stop()
    cut()
  }

  /// A socket that `cut` may end from another thread.
  private final class Connection: @unchecked Sendable {
    let socket: Socket
    init(_ socket: Socket) { self.socket = socket }
  }

  private func accept() {
    while let socket = listener.accept() {
      let connection = Connection(socket)
      condition.withLock { open[ObjectIdentifier(connection)] = connection }
      _ = WorkerThread(name: "index-proxy") { [self] in
        serve(connection.socket)
        condition.withLock { open[ObjectIdentifier(connection)] = nil }
        connection.socket.abort()
      }
    }
  }

  private func serve(_ socket: Socket) {
    var reader = ProxiedRequestReader(socket: socket)
    while let request = reader.next() {
      begin(request.endpoint)
      defer { end(request.endpoint) }
      guard let reply = reply(to: request, of: socket), (try? socket.send(reply)) != nil else { return }
    }
  }

  /// `nil`: the connection ends.
  private func reply(to request: ProxiedRequest, of client: Socket) -> [UInt8]? {
    switch answer {
    case .honest: return forward(request)
    case .overloaded:
      return Self.reply(429, #"{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}"#)
    case .unavailable:
      return Self.reply(503, #"{"error":{"type":"cluster_block_exception","reason":"no master"},"status":503}"#)
    case .itemsOverloaded: return request.endpoint == "_bulk" ? halfABulk(request) : forward(request)
    case .doneUnanswered:
      _ = forward(request)
      return nil
    case .blocked: return request.endpoint == "_bulk" ? blockedBulk(request) : forward(request)
    case .doneSilent:
      _ = forward(request)
      return silence(.doneSilent, towards: client)
    case .slow:
      condition.withLock { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2)) }
      return forward(request)
    case .silent: return silence(.silent, towards: client)
    case .refusing: return nil
    }
  }

  /// Says nothing until the answer changes or the client has gone: a request that was given up is not under way. Input
  /// means the end, as a client sends nothing while it waits for an answer.
  private func silence(_ answer: IndexAnswer, towards client: Socket) -> [UInt8]? {
    while condition.withLock({ current == answer && !isStopped }) {
      if client.waitForInput(until: .now + .milliseconds(50)) { break }
    }
    return nil
  }

  private func forward(_ request: ProxiedRequest) -> [UInt8]? {
    guard let reply = try? upstream.exchange(request.bytes, method: request.method) else { return nil }
    let isHead = request.method == "HEAD"
    let length = isHead ? reply.header("content-length") ?? "0" : "\(reply.body.count)"
    var head = "HTTP/1.1 \(reply.status) X\r\nContent-Length: \(length)\r\n"
    if let type = reply.header("content-type") { head += "Content-Type: \(type)\r\n" }
    if let product = reply.header("x-elastic-product") { head += "X-Elastic-Product: \(product)\r\n" }
    return Array((head + "\r\n").utf8) + (isHead ? [] : reply.body)
  }

  // MARK: Bulks

  private func halfABulk(_ request: ProxiedRequest) -> [UInt8]? {
    let pairs = request.bulkPairs
    var passed = request
    passed.body = pairs.enumerated().filter { $0.offset % 2 == 0 }.flatMap { $0.element }
    let replies = passed.body.isEmpty ? [] : (try? upstream.exchange(passed.bytes))?["items"]?.array
    guard var own = replies?[...] else { return nil }
    let items = pairs.indices.map { index in
      index % 2 == 0
        ? own.popFirst()?.compact ?? "{}" : Self.item(429, "es_rejected_execution_exception", "queue is full")
    }
    return Self.bulkReply(items)
  }

  private func blockedBulk(_ request: ProxiedRequest) -> [UInt8] {
    let reason = "index [x] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"
    return Self.bulkReply(request.bulkPairs.map { _ in Self.item(403, "cluster_block_exception", reason) })
  }

  private static func item(_ status: Int, _ type: String, _ reason: String) -> String {
    #"{"index":{"_index":"x","_id":"x","status":\#(status),"error":{"type":"\#(type)","reason":"\#(reason)"}}}"#
  }

  private static func bulkReply(_ items: [String]) -> [UInt8] {
    reply(200, #"{"took":1,"errors":true,"items":[\#(items.joined(separator: ","))]}"#)
  }

  private static func reply(_ status: Int, _ body: String) -> [UInt8] {
    let head = "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    return Array((head + body).utf8)
  }
}
