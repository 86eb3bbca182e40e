import Drivers

/// A copy of one index into another that Elasticsearch makes by itself (`_reindex`), versions and routing included.
actor ReindexTask {
  struct State: Sendable, Equatable {
    var done: Int64
    var total: Int64
    var isCompleted: Bool
  }

  private let client: ElasticsearchClient
  private let source: String
  private let target: String
  private let documentsPerSecond: Int?
  /// As Elasticsearch calls it, once it was started.
  private var id: String?

  init(client: ElasticsearchClient, source: String, target: String, documentsPerSecond: Int?) {
    self.client = client
    self.source = source
    self.target = target
    self.documentsPerSecond = documentsPerSecond
  }

  /// Documents that the target has in that version or a later one stay as they are. A slice a shard costs nothing.
  func start() async throws {
    var body = JSONWriter()
    body.object {
      $0.member("conflicts", "proceed")
      $0.key("source")
      $0.object { $0.member("index", source) }
      $0.key("dest")
      $0.object {
        $0.member("index", target)
        $0.member("version_type", "external")
      }
    }
    let limit = documentsPerSecond.map(String.init) ?? "-1"
    let reply = try await client.call(
      .post, "/_reindex?wait_for_completion=false&slices=auto&requests_per_second=\(limit)", body.bytes)
    guard let id = reply["task"]?.string else { throw UnexpectedReply(expected: "task") }
    self.id = id
  }

  /// - Throws: `ReshardingError` if documents could not be copied.
  func state() async throws -> State {
    guard let id else { throw UnexpectedReply(expected: "a task that was started") }
    let reply = try await client.call(.get, "/_tasks/\(id)", nil)
    let isCompleted = reply["completed"]?.boolean ?? false
    if isCompleted { try check(reply) }
    let status = reply["task"]?["status"]
    let done = ["created", "updated", "version_conflicts"].compactMap { status?[$0]?.integer }.reduce(0, +)
    return State(done: done, total: status?["total"]?.integer ?? 0, isCompleted: isCompleted)
  }

  private func check(_ reply: JSONValue) throws {
    if let error = reply["error"] { throw ReshardingError("the copy failed: \(error.compact.prefix(500))") }
    if let failures = reply["response"]?["failures"]?.array, let first = failures.first {
      throw ReshardingError("\(failures.count) documents could not be copied, such as: \(first.compact.prefix(500))")
    }
    if let reason = reply["response"]?["canceled"]?.string {
      throw ReshardingError("the copy was cancelled: \(reason)")
    }
  }

  func cancel() async {
    guard let id else { return }
    _ = try? await client.call(.post, "/_tasks/\(id)/_cancel?wait_for_completion=true", nil)
  }
}
