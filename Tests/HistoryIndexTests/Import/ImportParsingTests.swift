import CZstd
import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

/// Bytes in pieces, as a pipe gives them.
private final class Pieces: ByteSource {
  private var pieces: [[UInt8]]

  init(_ bytes: [UInt8], size: Int) {
    pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
  }

  var fraction: Double? { nil }
  func next() throws -> [UInt8] { pieces.isEmpty ? [] : pieces.removeFirst() }
}

private func parse(_ line: String) -> Result<ImportLine, BadLine> {
  Result { () throws(BadLine) in try ImportLine(parsing: Array(line.utf8)[...]) }
}

@Suite struct ImportLineTests {
  private let plain = #"{"room":"perl6","user":":(*@args, *%kwargs)","timestamp":1451606400000,"text":"a \"b\" é\n"}"#

  @Test func aPlainLineIsReadWithoutATree() throws {
    let line = try #require(PlainLine(Array(plain.utf8)[...]))
    #expect(line.user == ":(*@args, *%kwargs)")
    #expect(line.text == "a \"b\" é\n")
    #expect(line.timestamp == 1_451_606_400_000)
  }

  @Test func bothParsersReadAlike() throws {
    let spaced = plain.replacing(",\"", with: " ,\t\"").replacing(":1451", with: ": 1451")
    #expect(PlainLine(Array(spaced.utf8)[...]) == nil)
    #expect(try parse(spaced).get() == parse(plain).get())
    let escaped = #"{"text":"\u65e5本","timestamp":-1,"user":"u","room":"r","more":[1]}"#
    #expect(PlainLine(Array(escaped.utf8)[...]) == nil)
    #expect(try parse(escaped).get() == ImportLine(room: "r", user: "u", timestamp: -1, text: "日本"))
  }

  @Test func whatElseALineMayHoldIsKept() throws {
    let line = try parse(
      #"{"room":"r","user":"u","timestamp":1,"text":"t","data":{"a": 1},"ref":"x","reply_to":3}"#
    ).get()
    #expect(line.data == #"{"a":1}"#)
    #expect(line.ref == "x")
    #expect(line.replyTo == 3)
  }

  @Test(arguments: [
    "", "nonsense", "[]", "{}", #"{"room":"r","user":"u","timestamp":1}"#,
    #"{"room":"r","user":"u","timestamp":"1","text":"t"}"#, #"{"room":"r","user":"u","timestamp":1,"text":""}"#,
    #"{"room":1,"user":"u","timestamp":1,"text":"t"}"#, #"{"room":"r","user":null,"timestamp":1,"text":"t"}"#,
    #"{"room":"r","user":"u","timestamp":1,"text":"t"} x"#, #"{"room":"r","user":"u","timestamp":01,"text":"t"}"#,
    #"{"room":"r","user":"u","timestamp":9999999999999999,"text":"t"}"#,
    #"{"room":"r","user":"u","timestamp":1,"text":"t","ref":"é"}"#,
    #"{"room":"r","user":"u","timestamp":1,"text":"t","data":[]}"#,
    #"{"room":"r","user":"u","timestamp":1,"text":"t","reply_to":0}"#, "{\"room\":\"r",
  ])
  func aBadLineIsRefusedWithAReason(line: String) {
    guard case .failure(let bad) = parse(line) else {
      Issue.record("accepted")
      return
    }
    #expect(!bad.reason.isEmpty)
  }

  @Test func aTextThatIsTooLongOrNotUTF8IsBad() {
    let long = String(repeating: "x", count: 16_385)
    #expect(throws: BadLine.self) { try parse(#"{"room":"r","user":"u","timestamp":1,"text":"\#(long)"}"#).get() }
    let bytes = Array(#"{"room":"r","user":"u","timestamp":1,"text":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
    #expect(throws: BadLine.self) { try ImportLine(parsing: bytes[...]) }
  }
}

@Suite struct LineReaderTests {
  private func lines(_ text: String, size: Int, from offset: Int64 = 0) throws -> (lines: [String], end: Int64) {
    var reader = LineReader(Pieces(Array(text.utf8), size: size))
    try reader.skip(to: offset)
    var lines: [String] = []
    while let line = try reader.next() {
      guard case .line(let bytes) = line else { continue }
      lines.append(String(decoding: bytes, as: UTF8.self))
    }
    return (lines, reader.offset)
  }

  @Test(arguments: [1, 2, 3, 7, 1_000])
  func linesDoNotDependOnHowBytesArrive(size: Int) throws {
    let text = "one\ntwo\r\n\nthré\nlast"
    let read = try lines(text, size: size)
    #expect(read.lines == ["one", "two", "", "thré", "last"])
    #expect(read.end == Int64(text.utf8.count))
  }

  @Test func readingGoesOnAtAnOffset() throws {
    for size in 1...9 {
      #expect(try lines("one\ntwo\nthree\n", size: size, from: 4).lines == ["two", "three"])
      #expect(try lines("one\ntwo\nthree\n", size: size, from: 14).lines == [])
      #expect(try lines("one\n", size: size, from: 99).lines == [])
    }
  }

  @Test func aLineBeyondMeasureIsSkippedAndTheNextIsRead() throws {
    let text = String(repeating: "x", count: LineReader.longest + 5) + "\nnext\n"
    var reader = LineReader(Pieces(Array(text.utf8), size: 100_000))
    #expect(try reader.next() == .tooLong)
    #expect(try reader.next() == .line(Array("next".utf8)[...]))
    #expect(reader.offset == Int64(text.utf8.count))
  }
}

@Suite struct ZstdSourceTests {
  private func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = unsafe output.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress(target.baseAddress, target.count, source.baseAddress, source.count, 3)
      }
    }
    return Array(output[..<count])
  }

  private func read(_ bytes: [UInt8], size: Int) throws -> [UInt8] {
    let source = try ZstdSource(Pieces(bytes, size: size), name: "x")
    var all: [UInt8] = []
    while case let next = try source.next(), !next.isEmpty { all += next }
    return all
  }

  private let text = Array(String(repeating: "A line of a history.\n", count: 50_000).utf8)

  @Test(arguments: [1, 100, 1 << 20])
  func framesOneAfterTheOtherAreOneStream(size: Int) throws {
    let bytes = compressed(text) + compressed(Array("end".utf8))
    #expect(try read(bytes, size: size) == text + Array("end".utf8))
  }

  @Test func aFrameThatIsCutOffIsAnError() throws {
    #expect(throws: ImportSourceError.self) { try read(Array(compressed(text).dropLast(4)), size: 1_000) }
    #expect(throws: ImportSourceError.self) { try read(Array("nothing of zstd".utf8), size: 1_000) }
  }
}

@Suite struct ImportCheckpointTests {
  private let now = ContinuousClock.now

  private func batch(_ number: Int, lines: Int64, room: RoomID) -> ImportBatch {
    ImportBatch(
      number: number, events: [], progress: ImportProgress(id: 1, bytes: lines * 10, lines: lines),
      rooms: [room: RoomPosition(epoch: "k", lastEvent: lines, lastSeq: lines)])
  }

  @Test func onlyWhatWasWrittenWithoutAGapIsRecorded() {
    var checkpoints = ImportCheckpoints(lines: 0, now: now)
    checkpoints.wrote(batch(1, lines: 60_000, room: 2))
    #expect(checkpoints.takeDue(now: now) == nil)
    checkpoints.wrote(batch(0, lines: 30_000, room: 1))
    let due = checkpoints.takeDue(now: now)
    #expect(due?.progress.lines == 60_000)
    #expect(due?.rooms.keys.sorted() == [1, 2])
  }

  @Test func oneRecordIsUnderWayAtATime() {
    var checkpoints = ImportCheckpoints(lines: 0, now: now)
    checkpoints.wrote(batch(0, lines: 10, room: 1))
    #expect(checkpoints.takeDue(now: now) == nil)
    #expect(checkpoints.takeDue(now: now + .seconds(2)) != nil)
    checkpoints.wrote(batch(1, lines: 20, room: 1))
    #expect(checkpoints.takeDue(now: now + .seconds(9)) == nil)
    checkpoints.recorded()
    #expect(checkpoints.takeDue(now: now + .seconds(9))?.progress.lines == 20)
    #expect(checkpoints.takeDue(now: now + .seconds(19), isForced: true) == nil)
  }
}
