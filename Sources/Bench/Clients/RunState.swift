import Drivers

/// A room that a run made, and how far it has come.
final class BenchRoom {
  let id: Int64
  /// The newest event and message that were acknowledged.
  private(set) var lastEvent: Int64 = 0
  private(set) var lastSeq: Int64 = 0

  init(id: Int64) { self.id = id }

  func reach(event: Int64, seq: Int64) {
    lastEvent = max(lastEvent, event)
    lastSeq = max(lastSeq, seq)
  }
}

/// What the clients of one run share.
final class RunState {
  let loop: LoadLoop
  let requests: RequestWriter
  /// Begins every `ref`, so that runs do not collide.
  let runName: String
  /// Percent-encoded names that connections take in turn; empty: the token says who it is.
  var users: [String] = []
  var rooms: [BenchRoom] = []
  /// When each message was to be sent, by its number.
  private(set) var intended: [Int64] = []
  var texts: MessageTexts
  var sentWords = SentWords()
  var random: SplitMix64

  init(loop: LoadLoop, requests: RequestWriter, runName: String, textSize: Int, seed: UInt64) {
    self.loop = loop
    self.requests = requests
    self.runName = runName
    texts = MessageTexts(size: textSize, seed: seed)
    random = SplitMix64(seed: seed &+ 1)
  }

  /// Gives the next message its number.
  func number(messageIntendedAt time: Int64) -> Int64 {
    intended.append(time)
    return Int64(intended.count - 1)
  }

  var messageCount: Int { intended.count }

  /// When a message was to be sent; `nil` for a number that was not given.
  func intended(_ number: Int64) -> Int64? {
    number >= 0 && number < intended.count ? intended[Int(number)] : nil
  }

  /// The address of a room's WebSocket for one of the run's connections.
  func joinTarget(_ room: BenchRoom, connection: Int, _ query: String) -> String {
    let user = users.isEmpty ? "" : "&user=\(users[connection % users.count])"
    return "/v1/chatrooms/\(room.id)/join?\(query)\(user)"
  }

  /// The address of a WebSocket without a room.
  func connectTarget(connection: Int) -> String {
    "/v1/connect" + (users.isEmpty ? "" : "?user=\(users[connection % users.count])")
  }

  func check(_ body: () throws(Breach) -> Void) {
    do { try body() } catch { loop.breaches.add(error) }
  }
}
