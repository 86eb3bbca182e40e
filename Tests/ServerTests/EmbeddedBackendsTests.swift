import Drivers
import Foundation
import HistoryIndex
import Testing

@testable import server

@Suite struct EmbeddedBackendsTests {
  /// What an import writes would otherwise be indexed again, beside the first searches, when the server starts.
  @Test func theIndexOfWordsIsReadyBeforeAnythingIsWritten() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("palaver-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let backends = try await Backends.openEmbedded(folder: folder.path, metrics: Metrics(), log: .silent)
    let version = try await backends.database.query("SELECT analysis FROM message_words_state").first?.integer(0)
    await Blocking.run(backends.close)
    #expect(version != nil)
  }
}
