import ChatRooms
import Drivers
import Foundation
import TestSupport
import Testing

@testable import HistoryIndex

/// What goes wrong is said, and leaves nothing that looks whole.
@Suite(.timeLimit(.minutes(2))) struct ExportFaultTests {
  private func file(_ lines: some Sequence<String>, in folder: TemporaryFolder) throws -> String {
    let path = folder.file("town.ndjson")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test(arguments: [0, 2])
  func anImportThatWasKilledGoesOn(batches: Int) async throws {
    let town = try await ExportedTown().profile
    let lines = try await town.export()
    let path = try file(lines, in: town.folder)
    let other = try await EmbeddedProfile()
    let sink = FailingSink(SQLiteImportSink(database: other.database), after: batches)
    await #expect(throws: FailingSink.Killed.self) { try await other.importing(path: path, sink: sink) }
    #expect(try await other.count("room_positions WHERE import_id IS NULL") == 0, "nobody else may send there")
    // Under another name it is the same export.
    try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
    let summary = try await other.importing(path: path + ".moved")
    #expect(summary.imported == 2_378 - batches * 1_000)
    #expect(try await other.export().dropFirst() == lines.dropFirst())
    #expect(try await other.count("room_positions WHERE import_id IS NOT NULL") == 0)

    let again = try await other.importing(path: path + ".moved")
    #expect(again.imported == 0 && again.skipped == Int64(lines.count))
    #expect(try await other.export().dropFirst() == lines.dropFirst())
  }

  @Test func anImportThatWasGivenUpMayBeginAnew() async throws {
    let town = try await ExportedTown(messages: 1_500).profile
    let path = try file(try await town.export(), in: town.folder)
    let other = try await EmbeddedProfile()
    let sink = FailingSink(SQLiteImportSink(database: other.database), after: 1)
    await #expect(throws: FailingSink.Killed.self) { try await other.importing(path: path, sink: sink) }
    #expect(try await other.importer().abandon(path: path) == 5)
    await #expect(throws: ImportRefusal.self) { try await other.importing(path: path) }
    let square = try #require(try await other.store.room(named: "square"))
    try other.commit([Submission(room: square, action: .close, actor: try await other.user("John"), ref: nil)])
    #expect(try await other.importing(path: path).imported == 1_533)
  }

  @Test func anExportThatIsCutOffIsNoticedWhereverItEnds() async throws {
    let town = try await ExportedTown(messages: 40).profile
    let lines = try await town.export()
    for count in 1..<lines.count {
      let other = count % 20 == 0 || count < 20 && count % 2 == 0 ? try await EmbeddedProfile() : nil
      guard let other else { continue }
      let path = try file(lines.prefix(count), in: town.folder)
      await #expect(throws: ImportRefusal.self, "\(count) lines") { try await other.importing(path: path) }
      _ = try file(lines, in: town.folder)
      _ = try await other.importing(path: path)
      #expect(try await other.export().dropFirst() == lines.dropFirst(), "\(count) lines, then all of them")
    }
  }

  @Test(arguments: ["hole", "twice", "swapped", "nonsense", "catalogue", "stranger"])
  func linesThatDoNotFollowAreRefused(flaw: String) async throws {
    let town = try await ExportedTown(messages: 40).profile
    var lines = try await town.export()
    let place = lines.count - 20
    switch flaw {
    case "hole": lines.remove(at: place)
    case "twice": lines.insert(lines[place], at: place)
    case "swapped": lines.swapAt(place, place + 1)
    case "nonsense": lines[place] = "nonsense"
    case "catalogue": lines.removeAll { $0.contains(#""name":"camelia""#) }
    default: lines.append(lines[place].replacing(/^\{"room":\d+/, with: #"{"room":99"#))
    }
    let other = try await EmbeddedProfile()
    let error = await #expect(throws: ImportRefusal.self) { try await other.importing(lines) }
    #expect(error.map { !$0.description.isEmpty } == true)
  }

  @Test func aHoleInTheHistoryLeavesNoFile() async throws {
    let town = try await EmbeddedProfile()
    let john = try await town.user("John")
    let room = try await town.room("tea", by: john)
    try town.send((1...2_500).map { "\($0)" }, to: room, by: john)
    try await town.database.execute("DELETE FROM messages WHERE seq = 2222")
    let path = town.folder.file("export.ndjson.zst")
    let error = await #expect(throws: ExportFailure.self) { try await town.export(to: path) }
    #expect(error?.description.contains("'tea'") == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("messages 2001 to 2500") == true)
    let files = try FileManager.default.contentsOfDirectory(atPath: town.folder.path)
    #expect(files.filter { $0.hasPrefix("export") } == [])
  }

  @Test func aFileHasItsNameOnlyOnceItIsWhole() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.ndjson")
    try Data("old".utf8).write(to: URL(fileURLWithPath: path))
    let output = try ExportOutput(path: path)
    try output.write(Array("new".utf8))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    #expect(throws: ExportOutputError.self) { try ExportOutput(path: path) }
    try output.finish()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out.ndjson"])
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ExportOutputError.self) { try ExportOutput(path: folder.path) }
    #expect(throws: ExportOutputError.self) { try ExportOutput(path: folder.file("none/out.ndjson")) }
    let full = try ExportOutput(path: "/dev/full")
    #expect(throws: ExportOutputError.self) { try full.write([1]) }
    full.discard()
    #expect(FileManager.default.fileExists(atPath: "/dev/full"))
  }

  @Test func whatIsCompressedCanBeReadAgain() throws {
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: 3)
    for size in [0, 1, 1_000, 300_000, 3_000_000] {
      let path = folder.file("out-\(size).zst")
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...(size > 1_000_000 ? 255 : 7), using: &random) }
      let output = try ExportOutput(path: path)
      for start in stride(from: 0, to: size, by: 77_777) {
        try output.write(Array(bytes[start..<min(size, start + 77_777)]))
      }
      try output.finish()
      let source = try ZstdSource(try FileSource(path: path), name: path)
      var read: [UInt8] = []
      while case let more = try source.next(), !more.isEmpty { read += more }
      #expect(read == bytes, "\(size)")
    }
  }
}
