import Drivers
import Foundation
import TestSupport

/// Sends, edits and deletes over HTTP, each request again under the same ref, at either server, until it is answered.
///
/// A thread of its own runs it; only `isIdle` is for others.
final class HTTPWriter: @unchecked Sendable {
  /// Refs are sent again for so long only, ms: a journal that is trimmed forgets them.
  private static let memory: RunTime = 20_000

  let name: String
  private let rooms: [Int64]
  private let ports: [Int]
  private let clock: RunClock
  private let phase: RunPhase
  private let recorder: Recorder
  private let lock = NSLock()
  private var idle = false

  private var random: SplitMix64
  private var attempts: [Attempt] = []
  /// Own messages that are there, by room.
  private var written: [Int64: [Int64]] = [:]

  /// - Parameter name: of its user, too, whom nobody else may be.
  init(
    name: String, rooms: [Int64], ports: [Int], seed: UInt64, clock: RunClock, phase: RunPhase, recorder: Recorder
  ) {
    self.name = name
    self.rooms = rooms
    self.ports = ports
    self.clock = clock
    self.phase = phase
    self.recorder = recorder
    random = SplitMix64(seed: seed)
  }

  /// It will ask for nothing more.
  var isIdle: Bool { lock.withLock { idle } }

  func run() {
    while phase.current == .working {
      clock.wait(Int.random(in: 20...200, using: &random))
      guard phase.current == .working, let room = rooms.randomElement(using: &random) else { break }
      begin(in: room)
      let index = attempts.count - 1
      while !attempts[index].isSettled, phase.current != .over, clock.now - attempts[index].began < Self.memory {
        send(index)
      }
      // The same once more: the same answer.
      if attempts[index].isAcknowledged, attempts[index].target == nil, Int.random(in: 0..<10, using: &random) == 0 {
        send(index)
      }
    }
    recorder.add(attempts: attempts)
    lock.withLock { idle = true }
  }

  private func begin(in room: Int64) {
    let ref = "\(name)-\(attempts.count)"
    let own = written[room]?.suffix(30).randomElement(using: &random)
    var action = Attempt.Action.send(text: "\(ref) was posted")
    switch (Int.random(in: 0..<10, using: &random), own) {
    case (0...2, .some(let seq)): action = .edit(seq: seq, text: "\(ref) patched \(seq)")
    case (3, .some(let seq)): action = .delete(seq: seq)
    default: break
    }
    attempts.append(Attempt(room: room, user: name, ref: ref, action: action, began: clock.now))
  }

  private func send(_ index: Int) {
    let server = Int.random(in: ports.indices, using: &random)
    attempts[index].sendings += 1
    guard let reply = try? request(attempts[index], server) else {
      clock.wait(Int.random(in: 50...300, using: &random))
      return
    }
    switch reply.status {
    case 200, 201: acknowledged(index, reply, server)
    case 429, 503:
      recorder.add(error: "HTTP " + (reply["error"]?.string ?? "\(reply.status)"))
      clock.wait(Int(clamping: min(1_000, reply["retry_after_ms"]?.integer ?? 200)))
    default: attempts[index].refusal = reply["error"]?.string ?? "\(reply.status)"
    }
  }

  private func request(_ attempt: Attempt, _ server: Int) throws -> HTTPTestResponse {
    let client = HTTPTestClient(port: ports[server], timeout: .seconds(4))
    let messages = "/v1/chatrooms/\(attempt.room)/messages"
    let user = "?user=\(percentEncoded(attempt.user))"
    func body(_ text: String) -> [UInt8] {
      Array((["text": .string(text), "ref": .string(attempt.ref)] as JSONValue).compact.utf8)
    }
    return switch attempt.action {
    case .send(let text): try client.request("POST", messages + user, body: body(text))
    case .edit(let seq, let text): try client.request("PATCH", "\(messages)/\(seq)\(user)", body: body(text))
    case .delete(let seq): try client.request("DELETE", "\(messages)/\(seq)\(user)")
    }
  }

  private func acknowledged(_ index: Int, _ reply: HTTPTestResponse, _ server: Int) {
    let attempt = attempts[index]
    let place = attempt.target == nil ? "event" : "revised"
    guard let seq = reply["seq"]?.integer, let event = reply[place]?.integer else {
      return recorder.add(nonsense: "\(name), answered to \(attempt): \(reply)")
    }
    attempts[index].acknowledgements.append(.init(seq: seq, event: event, server: server, time: clock.now))
    switch attempt.action {
    case .send: if attempt.acknowledgements.isEmpty { written[attempt.room, default: []].append(seq) }
    case .delete: written[attempt.room]?.removeAll { $0 == seq }
    case .edit: break
    }
  }
}
