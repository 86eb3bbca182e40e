import CZstd
import ChatRooms
import Drivers
import Foundation
import Migrations
import Testing

@testable import HistoryIndex

/// A database with the schema and a folder for files, for one test.
struct ImportBench: Sendable {
  let folder: URL
  let database: SQLiteDatabase
  let store: SQLRoomStore
  let ledger: ImportLedger

  init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "palaver-import-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    database = try SQLiteDatabase(path: folder.appending(path: "a.db").path)
    for statement in Migrations.sqlite.flatMap(\.statements) { try await database.execute(statement) }
    store = SQLRoomStore(database: database, laneCount: 1)
    ledger = ImportLedger(database: database)
  }

  func remove() {
    database.close()
    try? FileManager.default.removeItem(at: folder)
  }

  func write(_ lines: [String], to name: String = "a.ndjson") throws -> String {
    let file = folder.appending(path: name)
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    return file.path
  }

  static func line(_ number: Int, room: String = "r", user: String? = nil) -> String {
    let name = user ?? "u\(number % 7)"
    return #"{"room":"\#(room)","user":"\#(name)","timestamp":\#(1_000 + number),"text":"message \#(number)"}"#
  }

  func run(_ path: String, sink: (any ImportSink)? = nil, prefix: String = "") async throws -> (
    summary: ImportSummary, bad: [Int64]
  ) {
    let importer = Importer(
      store: store, ledger: ledger, sink: sink ?? SQLiteImportSink(database: database),
      journal: SQLiteJournal(database: database), roomPrefix: prefix)
    var bad: [Int64] = []
    let summary = try await importer.run(path: path) { report in
      if case .bad(let line, _) = report { bad.append(line) }
    }
    return (summary, bad)
  }

  func texts(_ room: String) async throws -> [String] {
    let id = try await store.room(named: room)?.id ?? 0
    let rows = try await database.query(
      "SELECT seq, text FROM messages WHERE room_id = ? ORDER BY seq", [.integer(id)])
    #expect(rows.map { $0.integer(0) } == rows.indices.map { Int64($0 + 1) })
    return rows.map { $0.text(1) ?? "" }
  }

  func summary(_ room: String) async throws -> RoomSummary? {
    guard let id = try await store.room(named: room)?.id else { return nil }
    return try await store.summary(of: id, reader: nil)
  }
}

@Suite struct ImporterTests {
  @Test func roomsAndUsersAreMadeAndTimesAreKept() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let path = try bench.write([
      ImportBench.line(1, room: "perl6", user: ":(*@args, *%kwargs)"),
      ImportBench.line(2, room: "盾の勇者 Season 3", user: "é"), ImportBench.line(3, room: "perl6", user: "e\u{301}"),
    ])
    let (summary, bad) = try await bench.run(path, prefix: "old/")
    #expect(summary == ImportSummary(lines: 3, imported: 3))
    #expect(bad.isEmpty)
    #expect(try await bench.texts("old/perl6") == ["message 1", "message 3"])
    let room = try #require(try await bench.summary("old/perl6"))
    #expect(room.room.kind == .public)
    #expect(room.position.lastSeq == 2)
    #expect(room.position.lastEvent == 3)
    #expect(room.position.lastMessageAt == 1_003)
    let rows = try await bench.database.query("SELECT user_name, sent_at FROM messages ORDER BY id")
    #expect(rows.map { $0.text(0) } == [":(*@args, *%kwargs)", "é", "é"])
    #expect(rows.map { $0.integer(1) } == [1_001, 1_002, 1_003])
    #expect(try await bench.store.users(after: 0, limit: 10).count == 2)
  }

  @Test func badLinesAreReportedWithTheirNumbersAndTheRestIsImported() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let longName = String(repeating: "x", count: 65)
    let path = try bench.write([
      ImportBench.line(1), "nonsense", ImportBench.line(2, user: longName), "", ImportBench.line(3, room: longName),
      ImportBench.line(4, user: "a\\u0000b"), ImportBench.line(5),
    ])
    let (summary, bad) = try await bench.run(path)
    #expect(summary == ImportSummary(lines: 7, imported: 2, rejected: 4))
    #expect(bad.sorted() == [2, 3, 5, 6])
    #expect(try await bench.texts("r") == ["message 1", "message 5"])
  }

  @Test(arguments: [0, 1, 3, 5])
  func anImportThatWasKilledGoesOnWithoutDoublesOrHoles(batches: Int) async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let numbers = 1...5_500
    let path = try bench.write(numbers.map { ImportBench.line($0, room: "r\($0 % 3)") })
    await #expect(throws: FailingSink.Killed.self) {
      try await bench.run(path, sink: FailingSink(SQLiteImportSink(database: bench.database), after: batches))
    }
    // Nobody may add to the rooms before the rest is there.
    let held = try await bench.database.query("SELECT COUNT(*) FROM room_positions WHERE import_id IS NOT NULL")
    #expect(held.first?.integer(0) == 3)
    let (summary, _) = try await bench.run(path)
    #expect(summary.skipped == Int64(batches * 1_000))
    for room in 0..<3 {
      #expect(try await bench.texts("r\(room)") == numbers.filter { $0 % 3 == room }.map { "message \($0)" })
    }
    let free = try await bench.database.query("SELECT COUNT(*) FROM room_positions WHERE import_id IS NOT NULL")
    #expect(free.first?.integer(0) == 0)
  }

  @Test func aLineThatIsStillBeingWrittenIsReadAgain() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let lines = (1...3).map { ImportBench.line($0) }
    let file = bench.folder.appending(path: "growing.ndjson")
    try Data((lines[0] + "\n" + lines[1] + "\n" + lines[2].prefix(30)).utf8).write(to: file)
    let (first, bad) = try await bench.run(file.path)
    #expect(first == ImportSummary(lines: 3, imported: 2, rejected: 1) && bad == [3])
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    let (second, none) = try await bench.run(file.path)
    #expect(second == ImportSummary(lines: 1, imported: 1, skipped: 2) && none.isEmpty)
    #expect(try await bench.texts("r") == ["message 1", "message 2", "message 3"])
  }

  @Test func aByteOrderMarkIsNoPartOfTheFirstLine() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let (summary, bad) = try await bench.run(bench.write(["\u{FEFF}" + ImportBench.line(1), ImportBench.line(2)]))
    #expect(summary.imported == 2 && bad.isEmpty)
  }

  @Test(
    arguments: [
      ([0x1F, 0x8B, 8, 0], "a.gz", "zcat"), ([0x42, 0x5A, 0x68, 0x39], "a.bz2", "bzcat"),
      ([0, 1, 2], "a.zst", "damaged"),
      ([0xFF, 0xFE, 0x7B, 0], "a.ndjson", "UTF-16"), ([], "a.folder", "folder"),
    ] as [([UInt8], String, String)])
  func whatIsNoTextIsSaidSo(bytes: [UInt8], name: String, word: String) async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let file = bench.folder.appending(path: name)
    if bytes.isEmpty {
      try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
    } else {
      try Data(bytes).write(to: file)
    }
    do {
      _ = try await bench.run(file.path)
      Issue.record("imported")
    } catch let error as ImportSourceError {
      #expect(error.description.contains(word), "\(error)")
    }
  }

  @Test func timesThatCannotBeKeptAreBadLines() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let lines = [8_796_093_022_207, 8_796_093_022_208, 253_402_300_799_999, -8_796_093_022_208].map { time in
      #"{"room":"r","user":"u","timestamp":\#(time),"text":"at \#(time)"}"#
    }
    let (summary, bad) = try await bench.run(bench.write(lines))
    #expect(summary.imported == 2 && bad == [2, 3] && !summary.isAllBad)
    #expect(ImportSummary(lines: 1, rejected: 1).isAllBad && !ImportSummary().isAllBad)
  }

  @Test func anImportThatHadEndedBringsOnlyWhatIsNew() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    _ = try await bench.run(try bench.write((1...3).map { ImportBench.line($0) }))
    let again = try await bench.run(try bench.write((1...5).map { ImportBench.line($0) }))
    #expect(again.summary == ImportSummary(lines: 2, imported: 2, skipped: 3))
    #expect(try await bench.texts("r") == (1...5).map { "message \($0)" })
  }

  @Test func aRoomOfAnotherImportIsLeftAlone() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let first = try bench.write((1...2_500).map { ImportBench.line($0) })
    let sink = FailingSink(SQLiteImportSink(database: bench.database), after: 1)
    _ = try? await bench.run(first, sink: sink)
    let second = try bench.write([ImportBench.line(9)], to: "b.ndjson")
    await #expect(throws: ImportRefusal.self) { try await bench.run(second) }
  }

  @Test func aFileThatCannotBeReadIsSaidSo() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    await #expect(throws: ImportSourceError.self) { try await bench.run(bench.folder.path + "/none") }
  }

  @Test func aCompressedFileIsReadAsItIs() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let bytes = Array((1...2_000).map { ImportBench.line($0) + "\n" }.joined().utf8)
    var compressed = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = unsafe compressed.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress(target.baseAddress, target.count, source.baseAddress, source.count, 3)
      }
    }
    let file = bench.folder.appending(path: "a.zst")
    try Data(compressed[..<count]).write(to: file)
    #expect(try await bench.run(file.path).summary == ImportSummary(lines: 2_000, imported: 2_000))
    // The whole beginning is there: a cut is noticed after what came before it.
    try Data(compressed[..<(count / 2)]).write(to: file)
    await #expect(throws: ImportSourceError.self) { try await bench.run(file.path, prefix: "cut/") }
  }
}

/// Needs PALAVER_TEST_ELASTICSEARCH, the address of an Elasticsearch. The ledger is in SQLite here: it is the same code.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PALAVER_TEST_ELASTICSEARCH"] != nil))
struct ElasticsearchImportTests {
  @Test func anImportThatWasKilledLeavesOneDocumentAMessage() async throws {
    let bench = try await ImportBench()
    defer { bench.remove() }
    let origin = ProcessInfo.processInfo.environment["PALAVER_TEST_ELASTICSEARCH"] ?? ""
    let http = HTTPClient()
    defer { http.close() }
    let client = ElasticsearchClient(nodes: NodePool([HTTPNode(origin: origin)], client: http))
    let names = IndexNames(prefix: "import-\(UUID().uuidString.prefix(8).lowercased())")
    let generations = Generations(client: client, names: names)
    try await generations.migrate()
    let sink = ElasticsearchImportSink(
      client: client, names: names, ledger: bench.ledger, log: .silent, metrics: Metrics())
    let numbers = 1...9_500
    let path = try bench.write(numbers.map { ImportBench.line($0, room: "r\($0 % 2)") })
    await #expect(throws: FailingSink.Killed.self) { try await bench.run(path, sink: FailingSink(sink, after: 2)) }
    let (summary, bad) = try await bench.run(path, sink: sink)
    #expect(bad.isEmpty)
    #expect(summary.skipped + summary.lines == 9_500)
    let history = ElasticsearchHistory(client: client, names: names)
    for room in 0..<2 {
      let position = try #require(try await bench.summary("r\(room)"))
      #expect(position.position.lastSeq == 4_750)
      var texts: [String] = []
      for start in stride(from: Int64(1), through: 4_750, by: 950) {
        texts += try await history.messages(room: position.room, seqs: start...(start + 949)).map(\.text)
      }
      #expect(texts == numbers.filter { $0 % 2 == room }.map { "message \($0)" })
    }
    try await generations.dropAll()
  }
}
