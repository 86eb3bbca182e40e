import ChatRooms
import Drivers
import Foundation
import TestSupport
import Testing

@testable import HistoryIndex

/// The embedded profile's index of words stays in few pieces, and nobody waits for a large merge.
@Suite struct WordsMergingTests {
  private static func pieces(_ profile: EmbeddedProfile) async throws -> Int64 {
    try await profile.database.query("SELECT COUNT(DISTINCT segid) FROM message_words_idx").first?.integer(0) ?? 0
  }

  private static func text(_ random: inout SplitMix64) -> String {
    (0..<12).map { _ in "word\(Int.random(in: 0..<3_000, using: &random))" }.joined(separator: " ")
  }

  /// Bytes of the write-ahead log, which is not carried over meanwhile.
  private static func log(_ profile: EmbeddedProfile) throws -> Int {
    let path = profile.folder.file("palaver.db-wal")
    return try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
  }

  @Test func aMessageAtATimeCostsAboutTheSameEachTime() async throws {
    let profile = try await EmbeddedProfile()
    let (room, john) = (try await profile.room(), try await profile.user("John"))
    try profile.database.writeAndWait { _ = try $0.query("PRAGMA wal_autocheckpoint = 0", []) }
    var random = SplitMix64(seed: 1)
    var (size, most, pieces) = (try Self.log(profile), 0, Int64(0))
    for number in 0..<1_200 {
      try profile.send([Self.text(&random)], to: room, by: john)
      let grown = try Self.log(profile)
      (most, size) = (max(most, grown - size), grown)
      if number % 50 == 49 { pieces = max(pieces, try await Self.pieces(profile)) }
    }
    // By itself FTS5 writes 1,100 kB at once.
    #expect(most < 400 << 10, "\(most) bytes for one message")
    #expect(pieces <= 24, "\(pieces) pieces")
    #expect(try await profile.find("word7").count > 0)
  }

  /// - Parameter texts: of 12 words that make a message.
  @Test(arguments: [(messages: 100, texts: 1), (1, 100)])
  func muchAtATimeLeavesFewPiecesToo(messages: Int, texts: Int) async throws {
    let profile = try await EmbeddedProfile()
    let (room, john) = (try await profile.room(), try await profile.user("John"))
    var random = SplitMix64(seed: 2)
    for _ in 0..<100 {
      let batch = (0..<messages).map { _ in (0..<texts).map { _ in Self.text(&random) }.joined(separator: " ") }
      try profile.send(batch, to: room, by: john)
    }
    let pieces = try await Self.pieces(profile)
    #expect(pieces <= 24, "\(pieces) pieces")
  }
}
