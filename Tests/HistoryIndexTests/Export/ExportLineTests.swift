import ChatRooms
import Drivers
import Foundation
import TestSupport
import Testing

@testable import HistoryIndex

/// Names, texts and numbers of all kinds, from a seed.
struct RandomEntries {
  private var random: SplitMix64
  private static let pieces = [
    "a", "tea ", "é", "日本語", "🫖", "👩🏽‍🚀", "\u{5D0}\u{5B8}", "#1", "\"", "\\", "/", "'", "ß", "\u{200D}", "ก\u{0E34}", "Ω",
  ]
  private static let control = ["\u{0}", "\u{1}", "\n", "\r\n", "\t", "\u{1F}", "\u{7F}", "\u{2028}", "\u{FEFF}"]

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
  mutating func isChosen(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func name() -> String {
    let text = (0..<Int.random(in: 1...8, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
    return text.joined().precomposedStringWithCanonicalMapping
  }

  mutating func optional<Value>(_ value: (inout RandomEntries) -> Value) -> Value? {
    isChosen(50) ? value(&self) : nil
  }

  mutating func text() -> String {
    let all = Self.pieces + Self.control
    let length = isChosen(3) ? 800 : Int.random(in: 1...20, using: &random)
    return (0..<length).map { _ in all.randomElement(using: &random) ?? "" }.joined()
  }

  /// As a server keeps it.
  mutating func data() -> String {
    let value: JSONValue = .object(
      JSONObject([
        ("n", .number(Double(number(-1_000...1_000)) / 7)), ("i", .integer(number(.min ... .max))),
        (name(), .string(name())), ("a", [.null, .boolean(true), [:]]),
      ]))
    return value.compact
  }

  mutating func time() -> Milliseconds { number(0...2_000_000_000_000) }

  mutating func message(room: RoomID = 7, seq: Int64 = 3) -> Message {
    let isDeleted = isChosen(20)
    var message = Message(
      room: room, seq: seq, event: seq, revised: seq, user: name(), userID: 0, text: isDeleted ? "" : text(),
      timestamp: time(), isDeleted: isDeleted)
    guard !isDeleted else { return message }
    message.ref = optional { $0.isChosen(50) ? "\u{7E} \"x\"" : "r\($0.number(1...9))" }
    message.data = optional { $0.data() }
    message.replyTo = optional { $0.number(1...1_000) }
    message.editedAt = optional { $0.time() }
    return message
  }

  mutating func room() -> CatalogueRoom {
    let kinds: [Room.Kind] = [.public, .private, .direct]
    let room = Room(
      id: number(1...1_000_000), name: optional { $0.name() }, topic: optional { $0.name() },
      kind: kinds[Int(number(0...2))], lane: 0, routing: "", createdAt: time())
    return CatalogueRoom(
      room: room, createdBy: optional { $0.name() }, ref: optional { "r\($0.number(1...9))" },
      lastSeq: number(0...1_000))
  }

  mutating func user() -> CatalogueUser {
    CatalogueUser(
      user: User(id: number(1...1_000), name: name(), displayName: optional { $0.name() }, createdAt: time()),
      deletedAt: optional { $0.time() })
  }

  mutating func member() -> CatalogueMember {
    CatalogueMember(
      room: number(1...1_000), user: name(), role: isChosen(50) ? .owner : .member, readSeq: number(0...9),
      joinedAt: time())
  }
}

@Suite struct ExportLineTests {
  private func lines(_ write: (inout JSONWriter) -> Void) -> [ArraySlice<UInt8>] {
    var writer = JSONWriter()
    write(&writer)
    return writer.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
  }

  @Test func whateverAMessageHoldsComesBack() throws {
    var entries = RandomEntries(seed: 11)
    for _ in 0..<3_000 {
      let message = entries.message()
      let written = lines { ExportLine.append(message, to: &$0) }
      try #require(written.count == 1)
      var chunk = ImportChunk()
      try chunk.append(exported: written[0], number: 1)
      let line = try #require(chunk.lines.first?.line)
      let state = try #require(line.exported)
      let read = Message(
        room: state.room, seq: state.seq, event: 3, revised: 3, user: line.user, userID: 0, text: line.text,
        timestamp: line.timestamp, ref: line.ref, data: line.data, replyTo: line.replyTo, editedAt: state.editedAt,
        isDeleted: state.isDeleted)
      #expect(read == message)
      #expect(read.text.utf8.elementsEqual(message.text.utf8))
    }
  }

  @Test func whateverTheCatalogueHoldsComesBack() throws {
    var entries = RandomEntries(seed: 12)
    for _ in 0..<1_000 {
      for line: ExportLine in [.room(entries.room()), .user(entries.user()), .member(entries.member())] {
        let written = lines { line.append(to: &$0) }
        #expect(try ExportLine(parsing: written[0]) == line)
      }
    }
    let counts = ExportLine.catalogue(ExportCounts(rooms: 1, users: 2, members: 3))
    #expect(try ExportLine(parsing: lines { counts.append(to: &$0) }[0]) == counts)
  }

  @Test func anExportIsKnownByItsFirstLine() throws {
    let header = ExportHeader(id: "x", installation: "i", exportedAt: 5)
    #expect(try ExportHeader(firstLine: lines { ExportLine.header(header).append(to: &$0) }[0]) == header)
    #expect(try ExportHeader(firstLine: Array(#"{"type":"message"}"#.utf8)[...]) == nil)
    #expect(try ExportHeader(firstLine: Array(#"{"room":"r","user":"u"}"#.utf8)[...]) == nil)
    #expect(try ExportHeader(firstLine: []) == nil)
    let later = #"{"type":"palaver-export","version":2,"id":"x"}"#
    #expect(throws: BadLine.self) { try ExportHeader(firstLine: Array(later.utf8)[...]) }
  }

  @Test(arguments: [
    #"{"room":7,"seq":0,"user":"u","timestamp":1,"text":"t"}"#, #"{"room":7,"user":"u","timestamp":1,"text":"t"}"#,
    #"{"room":"r","seq":1,"user":"u","timestamp":1,"text":"t"}"#, #"{"room":7,"seq":1,"user":"u","timestamp":1}"#,
    #"{"room":7,"seq":1,"user":"u","timestamp":1,"text":""}"#, #"{"room":7,"seq":1,"timestamp":1,"text":"t"}"#,
    #"{"room":7,"seq":1,"user":"a\u0000b","timestamp":1,"text":"t"}"#,
    #"{"room":7,"seq":9223372036854775807,"user":"u","timestamp":1,"text":"t"}"#,
    #"{"room":7,"seq":1,"user":"u","timestamp":1,"text":"t","edited_at":"x"}"#,
    #"{"room":7,"seq":1,"user":"u","timestamp":1,"text":"t","data":[]}"#,
    #"{"type":"room","id":1,"kind":"secret","created_at":1,"last_seq":0}"#,
    #"{"type":"user","id":1,"name":"","created_at":1}"#, #"{"type":"user","id":-1,"name":"u","created_at":1}"#,
    #"{"type":"member","room":1,"user":"u","role":"king","read_seq":0,"joined_at":1}"#,
    #"{"type":"reaction","room":1}"#, "nonsense", "[]",
  ])
  func aBadLineIsRefusedWithAReason(line: String) {
    let bytes = Array(line.utf8)[...]
    var chunk = ImportChunk()
    #expect(throws: BadLine.self) { try chunk.append(exported: bytes, number: 1) }
    #expect(throws: BadLine.self) { try ExportLine(parsing: bytes) }
  }
}
