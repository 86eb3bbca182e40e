import Drivers
import TestSupport

/// Reads pages of history over HTTP, now of one room and server, now of another.
struct PageReader: Sendable {
  let name: String
  let rooms: [Int64]
  let ports: [Int]
  let clock: RunClock
  let phase: RunPhase
  let recorder: Recorder

  func run(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    while phase.current == .working {
      clock.wait(Int.random(in: 50...400, using: &random))
      guard let room = rooms.randomElement(using: &random) else { return }
      read(room, server: Int.random(in: ports.indices, using: &random), random: &random)
    }
  }

  private func read(_ room: Int64, server: Int, random: inout SplitMix64) {
    let client = HTTPTestClient(port: ports[server], timeout: .seconds(4))
    let before = Bool.random(using: &random) ? nil : Int64.random(in: 2...300, using: &random)
    let query = "limit=\(Int.random(in: 10...200, using: &random))" + (before.map { "&before=\($0)" } ?? "")
    let began = clock.now
    guard let reply = try? client.get("/v1/chatrooms/\(room)/messages?\(query)"), reply.status == 200 else { return }
    let list = reply["messages"]?.array ?? []
    let messages = list.compactMap { SeenMessage($0) }
    guard messages.count == list.count, reply["messages"] != nil else {
      return recorder.add(nonsense: "\(name), a page: \(reply)")
    }
    recorder.add(
      Page(
        client: name, room: room, server: server, began: began, ended: clock.now, before: before, messages: messages))
  }
}
