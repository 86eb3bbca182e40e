import Drivers

/// Makes the users and rooms of a run, and takes the rooms away again.
struct BenchSetup {
  /// Users that share the connections: making one is a transaction.
  private static let mostUsers = 200
  /// Nanoseconds for all calls, and besides for each.
  private static let patience = 60 * NanosecondClock.second
  private static let patienceForCall = 10 * NanosecondClock.millisecond

  let state: RunState
  let options: BenchOptions

  /// - Throws: `BenchError` where the server refuses or does not answer.
  func prepare() throws(BenchError) {
    if let prefix = options.userPrefix ?? (options.token == nil ? "bench-" : nil) { try makeUsers(prefix) }
    try makeRooms()
  }

  private func makeUsers(_ prefix: String) throws(BenchError) {
    let names = (0..<min(Self.mostUsers, max(1, options.clients))).map { "\(prefix)\($0)" }
    let replies = try call(names.map { state.requests.post("/v1/users", "{\"name\":\(Self.quoted($0))}") })
    for reply in replies where reply.status != 200 && reply.status != 409 { throw Self.refused("a user", reply) }
    state.users = names.map(PercentEncoding.encoded)
  }

  private func makeRooms() throws(BenchError) {
    let user = state.users.first.map { "?user=\($0)" } ?? ""
    let replies = try call((0..<options.rooms).map { _ in state.requests.post("/v1/chatrooms\(user)", "{}") })
    for reply in replies {
      guard reply.status == 200, let id = (try? JSONValue(parsing: reply.body))?["id"]?.integer else {
        throw Self.refused("a room", reply)
      }
      state.rooms.append(BenchRoom(id: id))
    }
  }

  /// Deletes the rooms. What cannot be deleted stays.
  func tidyUp() {
    let user = state.users.first.map { "?user=\($0)" } ?? ""
    _ = try? call(state.rooms.map { state.requests.delete("/v1/chatrooms/\($0.id)\(user)") })
  }

  private func call(_ requests: [[UInt8]]) throws(BenchError) -> [Calls.Reply] {
    let calls = Calls(state.loop, requests)
    let patience = Self.patience + Int64(requests.count) * Self.patienceForCall
    let isDone = state.loop.run(until: NanosecondClock.now + patience) { _ in calls.isDone }
    if let failure = calls.failure { throw BenchError(failure) }
    let replies = calls.replies.compactMap(\.self)
    guard isDone, replies.count == requests.count else { throw BenchError("the server does not answer") }
    return replies
  }

  private static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.value(text)
    return writer.string
  }

  private static func refused(_ what: String, _ reply: Calls.Reply) -> BenchError {
    BenchError("\(what) could not be made: \(reply.status) \(String(decoding: reply.body.prefix(300), as: UTF8.self))")
  }
}
