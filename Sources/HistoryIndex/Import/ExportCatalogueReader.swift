import ChatRooms
import Drivers

/// Reads what stands before the messages of an export. For one thread at a time; blocks.
final class ExportCatalogueReader: @unchecked Sendable {
  /// Lines of one kind that stand together, at most so many.
  static let batch = 1_000

  private(set) var lines: LineReader
  private(set) var lineCount: Int64 = 0
  private var pending: ExportLine?

  init(_ lines: LineReader) { self.lines = lines }

  enum Batch: Sendable {
    case rooms([CatalogueRoom])
    case users([CatalogueUser])
    case members([CatalogueMember])
    /// All of it was read; messages follow.
    case end(ExportCounts)
  }

  /// - Throws: `ImportRefusal` for a line that is none, and where the input ends.
  func next() throws -> Batch {
    switch try line() {
    case .header: return try next()
    case .catalogue(let counts): return .end(counts)
    case .room(let first):
      return .rooms(try run(first) { if case .room(let room) = $0 { room } else { nil } })
    case .user(let first):
      return .users(try run(first) { if case .user(let user) = $0 { user } else { nil } })
    case .member(let first):
      return .members(try run(first) { if case .member(let member) = $0 { member } else { nil } })
    }
  }

  private func run<Entry>(_ first: Entry, _ entry: (ExportLine) -> Entry?) throws -> [Entry] {
    var entries = [first]
    while entries.count < Self.batch {
      let line = try line()
      guard let more = entry(line) else {
        pending = line
        break
      }
      entries.append(more)
    }
    return entries
  }

  private func line() throws -> ExportLine {
    if let line = pending {
      pending = nil
      return line
    }
    lineCount += 1
    switch try lines.next() {
    case nil: throw ImportRefusal("the export ends before its first message: it was cut off")
    case .tooLong: throw ImportRefusal("line \(lineCount): longer than 1 MiB")
    case .line(let bytes):
      do { return try ExportLine(parsing: bytes) } catch {
        throw ImportRefusal("line \(lineCount): \(error.reason)")
      }
    }
  }
}
