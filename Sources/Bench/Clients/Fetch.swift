/// A request, and what its reply must be.
struct Fetch {
  enum Expectation {
    /// The messages of these numbers.
    case history(room: Int64, ClosedRange<Int64>)
    /// Hits that hold the word, and at least one where it `must` be found; without a word, any reply.
    case search(query: String, word: [UInt8]?, must: Bool)
  }

  var target: String
  var expectation: Expectation

  /// - Throws: in what the reply is wrong.
  func check(_ body: Span<UInt8>) throws(Breach) {
    switch expectation {
    case .history(let room, let range): try PageChecker.check(history: body, room: room, expected: range)
    case .search(let query, .some(let word), let must):
      try PageChecker.check(search: body, query: query, word: word, mustHit: must)
    case .search(_, nil, _):
      guard JSONScanner.member("hits", in: body) != nil else {
        throw Breach(.malformed, "a search's reply without hits")
      }
    }
  }

  /// A page at a random place of a random room; `nil` where no room has a message.
  static func history(of state: RunState, limit: Int64) -> Fetch? {
    guard let room = state.rooms.randomElement(using: &state.random), room.lastSeq > 0 else { return nil }
    // The acknowledged part of the room does not change any more: every page of it is known ahead.
    let before = Int64.random(in: 2...room.lastSeq + 1, using: &state.random)
    return Fetch(
      target: "/v1/chatrooms/\(room.id)/messages?before=\(before)&limit=\(limit)",
      expectation: .history(room: room.id, max(1, before - limit)...before - 1))
  }

  /// A search for a word that was sent; `nil` where none was.
  ///
  /// - Parameter must: whether it has to be found: not while what was sent a moment ago is searched for.
  static func search(of state: RunState, must: Bool) -> Fetch? {
    guard let word = state.sentWords.draw(using: &state.random) else { return nil }
    let query = String(decoding: word, as: UTF8.self)
    return Fetch(target: "/v1/search?q=\(query)&limit=20", expectation: .search(query: query, word: word, must: must))
  }

  static func search(_ query: String) -> Fetch {
    Fetch(
      target: "/v1/search?q=\(PercentEncoding.encoded(query))&limit=20",
      expectation: .search(query: query, word: nil, must: false))
  }
}

/// RFC 3986, section 2.1.
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// A value as it stands in a query or path.
  static func encoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
