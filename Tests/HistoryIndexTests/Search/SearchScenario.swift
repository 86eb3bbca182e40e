import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// A theme of `Tests/SearchScenarios`: messages, and what searches for them find. See the README there.
struct SearchTheme: Sendable, CustomStringConvertible {
  var name: String
  var documents: [Document]
  var scenarios: [SearchScenario]
  var description: String { name }

  struct Document: Sendable {
    var text: String
    var user: String
    var room: String
    var time: Milliseconds
    var isEdited: Bool
    var isDeleted: Bool
  }

  static let rooms = ["general", "swift", "日本語"]
  /// 2026-11-21 12:00 UTC.
  static let now: Milliseconds = 1_795_262_400_000
  static let me = "John"

  static let all: [SearchTheme] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("SearchScenarios")
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }.compactMap { file in
      do { return try SearchTheme(file) } catch {
        print("\(file.lastPathComponent): \(error)")
        return nil
      }
    }
  }()

  struct Malformed: Error {
    var member: String
  }

  init(_ file: URL) throws {
    let json = try JSONValue(parsing: Array(try Data(contentsOf: file)))
    name = file.deletingPathExtension().lastPathComponent
    guard let documents = json["documents"]?.array, let scenarios = json["scenarios"]?.array else {
      throw Malformed(member: "documents, scenarios")
    }
    self.documents = try documents.enumerated().map { try Document($1, number: $0) }
    self.scenarios = try scenarios.map(SearchScenario.init)
  }

  /// One after the other in each room.
  var messages: [Message] {
    var seqs: [String: Int64] = [:]
    return documents.compactMap { document in
      guard let room = Self.rooms.firstIndex(of: document.room) else { return nil }
      let seq = (seqs[document.room] ?? 0) + 1
      seqs[document.room] = seq
      return Message(
        room: RoomID(room) + 1, seq: seq, event: seq, revised: seq, user: document.user, userID: 1,
        text: document.isDeleted ? "" : document.text, timestamp: document.time,
        editedAt: document.isEdited ? document.time + 1 : nil, isDeleted: document.isDeleted)
    }
  }
}

extension SearchTheme.Document {
  /// A text, or an object with more. Each is a minute younger than the one before.
  init(_ json: JSONValue, number: Int) throws {
    guard let text = json.string ?? json["text"]?.string else { throw SearchTheme.Malformed(member: "text") }
    self.text = text
    user = json["user"]?.string ?? "Ann"
    room = json["room"]?.string ?? "general"
    isEdited = json["edited"]?.boolean ?? false
    isDeleted = json["deleted"]?.boolean ?? false
    time = SearchTheme.now - 3_600_000 + Milliseconds(number) * 60_000
    if let at = json["at"]?.string {
      time = Milliseconds(try Date(at, strategy: .iso8601).timeIntervalSince1970 * 1_000)
    }
  }
}

/// A search and what it finds, in order; `⟦` and `⟧` stand around what is highlighted.
struct SearchScenario: Sendable {
  var name: String
  var query: String
  var hits: [String]
  var sort: SearchSort
  var timeZone: String
  /// Profiles in which it is otherwise, and why.
  var except: [String: String]

  init(_ json: JSONValue) throws {
    guard let name = json["name"]?.string, let query = json["query"]?.string, let hits = json["finds"]?.array else {
      throw SearchTheme.Malformed(member: "name, query, finds of \(json["name"]?.string ?? json.compact)")
    }
    self.name = name
    self.query = query
    self.hits = hits.compactMap(\.string)
    sort = json["sort"]?.string.flatMap(SearchSort.init) ?? .recent
    timeZone = json["tz"]?.string ?? "UTC"
    except = [:]
    for profile in ["sqlite", "elasticsearch", "tail"] { except[profile] = json["except"]?[profile]?.string }
  }

  var request: SearchRequest {
    let me = User(id: 1, name: SearchTheme.me, displayName: nil, createdAt: 0)
    return SearchRequest(
      query: query, scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), sort: sort, limit: 100,
      timeZone: timeZone, caller: me)
  }

  /// As a scenario shows it.
  static func marked(_ hit: SearchHit) -> String {
    var units = Array(hit.message.text.utf16)
    for highlight in hit.highlights.reversed() {
      guard highlight.start >= 0, highlight.start + highlight.length <= units.count else { return "outside the text" }
      units.insert(contentsOf: "⟧".utf16, at: highlight.start + highlight.length)
      units.insert(contentsOf: "⟦".utf16, at: highlight.start)
    }
    return String(decoding: units, as: UTF16.self)
  }
}
