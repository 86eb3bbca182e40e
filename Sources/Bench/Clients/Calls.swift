/// Requests that prepare a run or tidy up after it, a few at a time, each sent once.
final class Calls: LoadClient {
  struct Reply {
    var status: Int
    var body: [UInt8]
  }

  private static let atOnce = 16
  private let loop: LoadLoop
  private let requests: [[UInt8]]
  private var begun = 0
  private var running: [Int: Int] = [:]
  private(set) var replies: [Reply?]
  private(set) var failure: String?

  init(_ loop: LoadLoop, _ requests: [[UInt8]]) {
    self.loop = loop
    self.requests = requests
    replies = Array(repeating: nil, count: requests.count)
    for slot in 0..<min(Self.atOnce, requests.count) { begin(slot, on: nil) }
  }

  var isDone: Bool { failure != nil || running.isEmpty }

  private func begin(_ slot: Int, on connection: LoadConnection?) {
    guard begun < requests.count else {
      connection.map(loop.close)
      return
    }
    running[slot] = begun
    if let connection {
      loop.send(requests[begun], on: connection)
    } else if loop.connect(.http, request: requests[begun], client: self, number: slot) == nil {
      failure = "no more sockets can be opened"
    }
    begun += 1
  }

  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let call = running.removeValue(forKey: connection.number) else { return }
    replies[call] = Reply(status: status, body: body.indices.map { body[$0] })
    begin(connection.number, on: connection)
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    if running[connection.number] != nil { failure = "the server cannot be reached: \(reason)" }
  }
}
