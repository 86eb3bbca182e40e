import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// Real messages from a file that `PALAVER_TEST_CORPUS` names (NDJSON of room, user, timestamp, text), up to
/// `PALAVER_TEST_CORPUS_MESSAGES` of them (200,000).
struct Corpus {
  static let path = ProcessInfo.processInfo.environment["PALAVER_TEST_CORPUS"]
  static let limit = ProcessInfo.processInfo.environment["PALAVER_TEST_CORPUS_MESSAGES"].flatMap(Int.init) ?? 200_000

  struct Line {
    var room: String
    var user: String
    var timestamp: Milliseconds
    var text: String
  }

  static func lines() throws -> [Line] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path ?? ""), options: .alwaysMapped)
    return try data.split(separator: UInt8(ascii: "\n"), maxSplits: limit).prefix(limit).map { line in
      let value = try JSONValue(parsing: Array(line))
      return Line(
        room: value["room"]?.string ?? "", user: value["user"]?.string ?? "",
        timestamp: value["timestamp"]?.integer ?? 0, text: value["text"]?.string ?? "")
    }
  }

  /// Writes the lines as an import does, and returns the messages.
  static func load(_ lines: [Line], into profile: EmbeddedProfile, batch: Int) async throws -> [Message] {
    var rooms: [String: Room] = [:]
    var users: [String: User] = [:]
    var seqs: [RoomID: Int64] = [:]
    for line in lines {
      if rooms[line.room] == nil { rooms[line.room] = try await profile.room(line.room) }
      if users[line.user] == nil { users[line.user] = try await profile.user(line.user) }
    }
    let messages = lines.compactMap { line -> Message? in
      guard let room = rooms[line.room], let user = users[line.user] else { return nil }
      let seq = (seqs[room.id] ?? 0) + 1
      seqs[room.id] = seq
      return Message(
        room: room.id, seq: seq, event: seq, revised: seq, user: user.name, userID: user.id, text: line.text,
        timestamp: line.timestamp)
    }
    let writer = SQLiteMessageWriter()
    let start = ContinuousClock.now
    for first in stride(from: 0, to: messages.count, by: batch) {
      let part = messages[first..<min(first + batch, messages.count)]
      try await profile.database.withTransaction { connection in
        try writer.beginTransaction(connection)
        for message in part { try writer.insert(message, ref: nil, connection) }
      }
    }
    report("\(messages.count) messages, \(batch) at once: \(rate(messages.count, since: start)) messages/s")
    return messages
  }

  static func rate(_ count: Int, since start: ContinuousClock.Instant) -> Int {
    Int(Double(count) / max(0.000_001, (ContinuousClock.now - start) / .seconds(1)))
  }

  static func report(_ line: String) { print("measured:", line) }
}
