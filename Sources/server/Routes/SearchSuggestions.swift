import ChatRooms
import Drivers
import HistoryIndex

/// Something that a user who types a search may mean.
struct SearchSuggestion: Sendable, Equatable {
  enum Kind: String, Sendable {
    case `operator`, value, user, room
  }

  var kind: Kind
  /// What would stand in the query: `from:camelia`, `in:lobby`, `has:`.
  var text: String
  /// The whole query with it in place of what was being typed.
  var query: String
  /// A room's id and name.
  var room: RoomID?
  var name: String?

  func write(to writer: inout JSONWriter) {
    writer.object {
      $0.member("kind", kind.rawValue)
      $0.member("text", text)
      $0.member("query", query)
      $0.member("room", ifPresent: room)
      $0.member("name", ifPresent: name)
    }
  }
}

/// Completes what is being typed: operators, and the names of users and rooms.
struct SearchSuggestions: Sendable {
  var rooms: any RoomStore
  /// Whose rooms are known.
  var reader: UserID?
  var isAdmin: Bool

  private static let operators = ["from:", "in:", "before:", "after:", "on:", "during:", "has:", "mentions:", "link:"]
  private static let times = ["today", "yesterday", "7d", "30d"]

  /// For the word that the text ends with.
  func suggestions(for typed: String, limit: Int) async throws -> [SearchSuggestion] {
    let word = TypedWord(typed)
    let found = try await suggestions(for: word, limit)
    // Names may have spaces, and who types one does not think of quotes.
    guard found.count < limit, word.name == nil, let name = TypedWord(namedBefore: typed) else { return found }
    return found + (try await suggestions(for: name, limit - found.count))
  }

  private func suggestions(for word: TypedWord, _ limit: Int) async throws -> [SearchSuggestion] {
    let found: [(SearchSuggestion.Kind, String, Room?)]
    switch word.name {
    case nil:
      guard !word.value.isEmpty else { return [] }
      found = Self.matching(Self.operators, word.value).map { (.operator, $0, nil) }
    case "from"?, "mentions"?:
      found = try await users(word, limit).map { (.user, word.typedName + $0, nil) }
    case "in"? where word.isNumber:
      found = try await rooms(numbered: word.value.dropFirst(), limit).map { (.room, word.typedName + "#\($0.id)", $0) }
    case "in"?: found = try await rooms(word, limit).map { (.room, word.typedName + Self.reference(to: $0), $0) }
    case "has"?:
      let features = SearchQuery.Feature.allCases.map(\.rawValue)
      found = Self.matching(features, word.value).map { (.value, word.typedName + $0, nil) }
    case "before"?, "after"?, "on"?, "during"?:
      found = Self.matching(Self.times, word.value).map { (.value, word.typedName + $0, nil) }
    default: found = []
    }
    return found.prefix(limit).map { kind, text, room in
      SearchSuggestion(kind: kind, text: text, query: word.before + word.sign + text, room: room?.id, name: room?.name)
    }
  }

  private static func matching(_ words: [String], _ typed: String) -> [String] {
    words.filter { $0.hasPrefix(typed.lowercased()) && $0 != typed.lowercased() }
  }

  private func users(_ word: TypedWord, _ limit: Int) async throws -> [String] {
    let typed = word.value.hasPrefix("@") ? String(word.value.dropFirst()) : word.value
    let me = word.name == "mentions" && "me".hasPrefix(typed.lowercased()) && reader != nil ? ["me"] : []
    return me + (try await rooms.users(beginningWith: typed, limit: limit).map { Self.quoted($0.name) })
  }

  /// Public rooms and the reader's own: those whose name begins so first, then those that hold it.
  private func rooms(_ word: TypedWord, _ limit: Int) async throws -> [Room] {
    let name = word.value.hasPrefix("#") ? String(word.value.dropFirst()) : word.value
    let filter = RoomFilter(
      reader: reader, isAdmin: isAdmin, text: name.isEmpty ? nil : name, limit: Self.roomsLookedAt)
    let found = try await rooms.rooms(filter).map(\.room).filter { $0.name != nil }
    let begins = found.filter { Self.begins($0, name) }
    return Array((begins + found.filter { !Self.begins($0, name) }).prefix(limit))
  }

  /// The room of that number, then others whose numbers begin so.
  private func rooms(numbered digits: Substring, _ limit: Int) async throws -> [Room] {
    var found: [Room] = []
    if let id = RoomID(digits), id > 0 {
      let filter = RoomFilter(reader: reader, isAdmin: isAdmin, after: id - 1, limit: 1)
      found = try await rooms.rooms(filter).map(\.room).filter { $0.id == id }
    }
    let filter = RoomFilter(reader: reader, isAdmin: isAdmin, limit: Self.roomsLookedAt)
    found += try await rooms.rooms(filter).map(\.room).filter { "\($0.id)".hasPrefix(digits) && !found.contains($0) }
    return Array(found.prefix(limit))
  }

  private static func begins(_ room: Room, _ typed: String) -> Bool {
    room.name?.lowercased().hasPrefix(typed.lowercased()) ?? false
  }

  /// Only public rooms have names that are theirs alone.
  private static func reference(to room: Room) -> String {
    room.kind == .public ? quoted(room.name ?? "") : "#\(room.id)"
  }

  private static let roomsLookedAt = 100

  /// As it has to stand in a query to be read as one value.
  static func quoted(_ name: String) -> String {
    let isPlain = name.unicodeScalars.allSatisfy {
      !$0.properties.isWhitespace && !"\"“”„«»`".unicodeScalars.contains($0)
    }
    return isPlain && !name.hasPrefix("#") && !name.hasPrefix("@") ? name : "\"\(name)\""
  }
}

/// The word that a text ends with, cut at its operator.
struct TypedWord: Equatable {
  /// Everything before the word.
  var before: String
  /// `-`, or nothing.
  var sign = ""
  /// The operator in lower case; `nil` where there is none.
  var name: String?
  /// The operator as it was typed, with its colon.
  var typedName = ""
  var value: String

  init(_ typed: String) {
    let scalars = typed.unicodeScalars
    var start = scalars.startIndex
    var isQuoted = false
    for index in scalars.indices {
      if scalars[index] == "\"" { isQuoted.toggle() }
      if scalars[index].properties.isWhitespace, !isQuoted { start = scalars.index(after: index) }
    }
    before = String(scalars[..<start])
    var word = String(scalars[start...])
    if word.hasPrefix("-") {
      sign = "-"
      word.removeFirst()
    }
    value = word
    guard let colon = word.unicodeScalars.firstIndex(where: { $0 == ":" || $0 == "：" }) else { return }
    name = String(word.unicodeScalars[..<colon]).lowercased()
    typedName = String(word.unicodeScalars[...colon])
    value = String(word.unicodeScalars[word.unicodeScalars.index(after: colon)...])
    if value.hasPrefix("\"") { value.removeFirst() }
  }

  /// The beginning of a room's number: `#`, `#1`.
  var isNumber: Bool { value.hasPrefix("#") && value.utf8.dropFirst().allSatisfy { 0x30...0x39 ~= $0 } }
}

extension TypedWord {
  /// Words of a name without quotes around it that are looked back for.
  private static let mostWords = 4

  /// A name that is typed without quotes although there are spaces in it: `in:more tw`. `nil` where no operator that
  /// takes names stands before the last word.
  init?(namedBefore typed: String) {
    let words = typed.split(separator: " ", omittingEmptySubsequences: false)
    guard !typed.contains("\""), words.count > 1, words.last?.isEmpty == false else { return nil }
    for count in 2...Self.mostWords where count <= words.count {
      var word = TypedWord(String(words[words.count - count]))
      guard let name = word.name else { continue }
      guard ["in", "from", "mentions"].contains(name), !word.value.isEmpty else { return nil }
      word.before = words.dropLast(count).map { $0 + " " }.joined()
      word.value += words.suffix(count - 1).map { " " + $0 }.joined()
      self = word
      return
    }
    return nil
  }
}
