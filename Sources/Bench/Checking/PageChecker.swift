/// Compares a page of history or a search's reply with what was asked for.
enum PageChecker {
  /// - Parameter expected: the numbers of the messages, oldest first, that the page must have and no others.
  static func check(history body: Span<UInt8>, room: Int64, expected: ClosedRange<Int64>) throws(Breach) {
    guard let list = JSONScanner.member("messages", in: body), var items = ItemCursor(in: body, at: list) else {
      throw Breach(.malformed, "a page of room \(room) without messages")
    }
    var due = expected.lowerBound
    while let item = items.next(in: body) {
      let message = MessageMembers(in: body, at: item)
      guard message.room == room, message.seq == due else {
        throw Breach(
          .wrongPage, "room \(room): message \(message.room ?? 0)-\(message.seq ?? 0) where \(room)-\(due) was due")
      }
      due += 1
    }
    guard due == expected.upperBound + 1 else {
      throw Breach(.wrongPage, "room \(room): the page ended before \(due), asked was \(expected)")
    }
  }

  /// - Parameters:
  ///   - word: every hit must hold it.
  ///   - mustHit: whether a complete search has to have a hit.
  /// - Returns: how many hits there are.
  @discardableResult
  static func check(search body: Span<UInt8>, query: String, word: [UInt8], mustHit: Bool) throws(Breach) -> Int {
    guard let list = JSONScanner.member("hits", in: body), var items = ItemCursor(in: body, at: list) else {
      throw Breach(.malformed, "a search's reply without hits")
    }
    var count = 0
    while let item = items.next(in: body) {
      count += 1
      guard JSONScanner.contains(word, in: body, from: item, to: JSONScanner.end(of: item, in: body)) else {
        throw Breach(.wrongSearch, "'\(query)' found a message without it")
      }
    }
    let isComplete = JSONScanner.member("complete", in: body).map { JSONScanner.isTrue(in: body, at: $0) } ?? false
    if count == 0, isComplete, mustHit { throw Breach(.wrongSearch, "'\(query)' was sent before and is not found") }
    return count
  }
}
