import ChatRooms
import Drivers

/// Sends dead letters to the index again, whole. A letter is removed once the index has taken it.
public struct DeadLetterRetry: Sendable {
  /// What became of a letter.
  public enum Outcome: Sendable, Equatable {
    /// The index has it now.
    case indexed
    /// The index has a later state of the same message, which is what counts.
    case superseded
    /// Refused again: the reason of this time. The letter stays.
    case refused(String)
  }

  private let letters: DeadLetters
  private let client: ElasticsearchClient
  private let alias: String
  private static let timeout: Duration = .seconds(30)

  public init(letters: DeadLetters, client: ElasticsearchClient, names: IndexNames) {
    self.letters = letters
    self.client = client
    alias = names.write
  }

  /// - Parameter batch: a page of letters.
  /// - Returns: an outcome for each, in order.
  /// - Throws: where the index takes nothing at all at the moment; no letter is lost by it.
  public func retry(_ batch: [BuriedLetter]) async throws -> [Outcome] {
    let outcomes = try await send(batch[...])
    for (letter, outcome) in zip(batch, outcomes) {
      if case .refused = outcome { continue }
      _ = try await letters.remove(letter)
    }
    return outcomes
  }

  private func send(_ batch: ArraySlice<BuriedLetter>) async throws -> [Outcome] {
    guard !batch.isEmpty else { return [] }
    let body = batch.flatMap(Self.lines)
    let reply = BulkReply(
      try await client.bulk(into: alias, body: body, timeout: Self.timeout), count: batch.count)
    switch reply {
    case .items(let items):
      var outcomes: [Outcome] = []
      for (letter, item) in zip(batch, items) { outcomes.append(try await outcome(of: letter, item)) }
      return outcomes
    case .again(let reason): throw IndexRefusal(reason)
    case .blocked(let error): throw IndexRefusal(error.description)
    case .split(let error):
      guard batch.count > 1 else { return [.refused(error.description)] }
      let middle = batch.startIndex + batch.count / 2
      return try await send(batch[..<middle]) + send(batch[middle...])
    }
  }

  private func outcome(of letter: BuriedLetter, _ item: BulkReply.Item) async throws -> Outcome {
    switch item {
    case .done: return .indexed
    case .refused(let error): return .refused(error.description)
    case .again(let reason): return .refused(reason)
    case .blocked(let error): return .refused(error.description)
    case .conflict: return try await conflict(letter)
    }
  }

  /// The index has a later version: of the same message, unless numbers were given twice.
  private func conflict(_ buried: BuriedLetter) async throws -> Outcome {
    let letter = buried.letter
    let id = (id: MessageDocument.id(room: letter.room, seq: letter.seq), routing: buried.routing)
    let stored = try await client.documents(in: alias, ids: [id], source: ["event"]).first ?? nil
    let own = try? JSONValue(parsing: Array(letter.document.utf8))
    guard let event = stored?["event"]?.integer, event == own?["event"]?.integer else {
      return .refused("409: the index holds another message of this number")
    }
    return .superseded
  }

  /// The index holds a fallback document of this very version: it may be replaced, a later one may not.
  private static func lines(_ buried: BuriedLetter) -> [UInt8] {
    let letter = buried.letter
    let document = try? JSONValue(parsing: Array(letter.document.utf8))
    var writer = JSONWriter()
    MessageDocument.appendAction(
      room: letter.room, seq: letter.seq, routing: buried.routing, version: document?["revised"]?.integer ?? 1,
      .externalOrEqual, to: &writer)
    return writer.bytes + Array(letter.document.utf8) + [UInt8(ascii: "\n")]
  }
}

/// The index takes nothing at the moment.
struct IndexRefusal: Error, CustomStringConvertible {
  var reason: String

  init(_ reason: String) { self.reason = reason }

  var description: String { "Elasticsearch takes no documents at the moment: \(reason)" }
}
