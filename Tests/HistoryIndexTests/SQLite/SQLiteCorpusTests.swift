import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Needs real messages: PALAVER_TEST_CORPUS.
@Suite(.enabled(if: Corpus.path != nil), .serialized)
struct SQLiteCorpusTests {
  @Test func aCorpusIsReadBackAndSearchedAsAPlainScanFindsIt() async throws {
    let profile = try await EmbeddedProfile()
    let lines = try Corpus.lines()
    let messages = try await Corpus.load(lines, into: profile, batch: 2_000)
    try await historyGivesAllBack(messages, profile)
    try await pagesGiveAllInOrder(messages, profile)
    try await wordsAreFoundWhereAScanFindsThem(messages, profile)
  }

  @Test func searchesAreQuick() async throws {
    let profile = try await EmbeddedProfile()
    let messages = try await Corpus.load(try Corpus.lines(), into: profile, batch: 5_000)
    try await measureSearches(messages, profile)
  }

  @Test func partsOfWritingWithoutSpacesAreFound() async throws {
    let profile = try await EmbeddedProfile()
    let messages = try await Corpus.load(Array(try Corpus.lines().prefix(20_000)), into: profile, batch: 2_000)
    let joined = messages.map { Self.joined($0.text) }
    var times: [Duration] = []
    for part in Self.parts(of: messages, count: 100) {
      let start = ContinuousClock.now
      var page = try await profile.page(part)
      times.append(ContinuousClock.now - start)
      var found = Set(page.hits.map(\.message.id))
      while let cursor = page.next, found.count < 3_000 {
        page = try await profile.page(part, cursor: cursor)
        found.formUnion(page.hits.map(\.message.id))
      }
      let expected = Set(zip(messages, joined).filter { $0.1.range(of: part, options: .literal) != nil }.map(\.0.id))
      let wrong = messages.first { found.contains($0.id) && !expected.contains($0.id) }
      #expect(wrong == nil, "\(part)")
      let missing = messages.first { $0.text.contains(part) && !found.contains($0.id) }
      if page.next == nil { #expect(missing == nil, "\(part)") }
    }
    times.sort()
    if let last = times.last {
      Corpus.report("parts over \(messages.count): p50 \(times[times.count / 2]), most \(last)")
    }
  }

  /// Runs of one to four characters that need no folding.
  private static func parts(of messages: [Message], count: Int) -> [String] {
    var random = SplitMix64(seed: 9)
    var parts: [String] = []
    let runs = messages.lazy.flatMap { $0.text.unicodeScalars.split { !isPlain($0) } }.prefix(20_000).map(Array.init)
    while parts.count < count, let run = runs.randomElement(using: &random) {
      let length = Int.random(in: 1...min(4, run.count), using: &random)
      let start = Int.random(in: 0...(run.count - length), using: &random)
      parts.append(String(String.UnicodeScalarView(run[start..<start + length])))
    }
    return parts
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    (0x4E00...0x9FFF).contains(scalar.value) || (0x3041...0x3096).contains(scalar.value)
  }

  /// Without what stands between words.
  private static func joined(_ text: String) -> String {
    let words = text.precomposedStringWithCanonicalMapping.unicodeScalars.filter(SearchFolding.isWordScalar)
    return String(String.UnicodeScalarView(words))
  }

  private func historyGivesAllBack(_ messages: [Message], _ profile: EmbeddedProfile) async throws {
    for (id, expected) in Dictionary(grouping: messages, by: \.room) {
      let room = try #require(try await profile.store.room(id))
      for first in stride(from: 0, to: expected.count, by: HistoryLimits.block) {
        let last = min(first + HistoryLimits.block, expected.count)
        let found = try await profile.history.messages(in: room, seqs: Int64(first + 1)...Int64(last))
        #expect(found == Array(expected[first..<last]))
      }
    }
  }

  private func pagesGiveAllInOrder(_ messages: [Message], _ profile: EmbeddedProfile) async throws {
    let expected = messages.sorted { ($0.timestamp, $0.room, $0.seq) > ($1.timestamp, $1.room, $1.seq) }
    var found: [Message] = []
    var cursor: String?
    repeat {
      let page = try await profile.page("", limit: 100, cursor: cursor)
      found += page.hits.map(\.message)
      cursor = page.next
    } while cursor != nil && found.count < 20_000
    #expect(found == Array(expected.prefix(found.count)))
    #expect(cursor != nil || found.count == expected.count)
  }

  private func wordsAreFoundWhereAScanFindsThem(_ messages: [Message], _ profile: EmbeddedProfile) async throws {
    for query in sample(of: messages, count: 40) {
      let expected = Set(messages.lazy.filter { scan($0.text, for: query) }.map(\.id))
      var found: [String] = []
      var cursor: String?
      repeat {
        let page = try await profile.page("\"\(query)\"", limit: 100, cursor: cursor)
        if expected.count <= 10_000 { #expect(page.total == expected.count, "\(query)") }
        #expect(page.hits.allSatisfy { !$0.highlights.isEmpty }, "\(query)")
        let wrong = page.hits.first { !expected.contains($0.message.id) }?.message.text
        #expect(wrong == nil, "\(query)")
        found += page.hits.map(\.message.id)
        cursor = page.next
      } while cursor != nil && found.count < 5_000
      #expect(Set(found).count == found.count)
      #expect(cursor == nil ? Set(found) == expected : Set(found).isSubset(of: expected), "\(query)")
    }
  }

  private func measureSearches(_ messages: [Message], _ profile: EmbeddedProfile) async throws {
    for sort in [SearchSort.recent, .relevance] {
      var times: [Duration] = []
      for query in sample(of: messages, count: 300) {
        let start = ContinuousClock.now
        _ = try await profile.page(query, sort: sort, limit: 20)
        times.append(ContinuousClock.now - start)
      }
      times.sort()
      // Far from what it takes, near enough to show an index that is not used.
      #expect(times[times.count / 2] < .seconds(1))
      Corpus.report(
        "\(sort.rawValue) over \(messages.count): p50 \(times[times.count / 2]), p99 \(times[times.count * 99 / 100])")
    }
  }

  /// Words as often as they are used, and pairs of neighbours.
  private func sample(of messages: [Message], count: Int) -> [String] {
    var random = SplitMix64(seed: 7)
    var found: [String] = []
    while found.count < count {
      let text = messages[Int(random.next() % UInt64(messages.count))].text
      let words = Self.words(text)
      guard let word = words.indices.randomElement(using: &random),
        words[word].utf8.allSatisfy({ $0 < 0x80 && $0 != 0x3F })
      else { continue }
      found.append(found.count % 3 == 0 && word + 1 < words.count ? "\(words[word]) \(words[word + 1])" : words[word])
    }
    return found
  }

  /// The phrase's words stand next to each other; of scripts without spaces, as a substring.
  private func scan(_ text: String, for phrase: String) -> Bool {
    (" " + Self.words(text).joined(separator: " ") + " ").contains(" \(phrase) ")
  }

  /// Runs of ASCII letters and digits; whatever else stands there is a word of its own, that no query here has.
  private static func words(_ text: String) -> [String] {
    let folded = text.precomposedStringWithCanonicalMapping.unicodeScalars.map { scalar -> String in
      if scalar.isASCII { return SearchFolding.isWordScalar(scalar) ? String(scalar).lowercased() : " " }
      switch scalar.properties.generalCategory {
      case .otherSymbol: return " ? "
      case .format, .nonspacingMark, .spacingMark, .enclosingMark: return ""
      default: break
      }
      guard SearchFolding.isWordScalar(scalar) else { return " " }
      return SearchFolding.isCJK(scalar) ? " ? " : SearchFolding.analyzed(String(scalar))
    }
    return folded.joined().split(separator: " ").map(String.init)
  }
}
