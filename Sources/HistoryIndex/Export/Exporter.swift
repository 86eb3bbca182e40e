import ChatRooms
import Drivers
import Foundation

/// What an export holds.
public struct ExportSummary: Sendable, Equatable {
  public var rooms: Int64 = 0
  public var users: Int64 = 0
  public var members: Int64 = 0
  /// Deleted ones counted.
  public var messages: Int64 = 0
  public var deleted: Int64 = 0
  /// Before compression.
  public var bytes: Int64 = 0
  /// Rooms that an import was filling, and which came as far as that had come.
  public var importing: Int64 = 0
}

/// Writes an installation as lines of JSON, beside servers that go on writing.
///
/// Where each room stands is read first, users after that and messages last, each in its present state: every message
/// up to there is in the export once, its author before it.
public struct Exporter: Sendable {
  private let catalogue: CatalogueReader
  private let blocks: HistoryBlocks
  private let header: ExportHeader
  private let only: [RoomID]?
  private static let page = 1_000

  /// - Parameters:
  ///   - only: these rooms, with their members and authors; `nil`: everything.
  ///   - attempts: reads of a part of the history before it is given up.
  public init(
    database: any SQLDatabase, history: any History, header: ExportHeader, only: [RoomID]? = nil, attempts: Int = 8
  ) {
    catalogue = CatalogueReader(database: database)
    blocks = HistoryBlocks(history: history, attempts: attempts)
    self.header = header
    self.only = only
  }

  /// - Parameters:
  ///   - output: finished if this returns, discarded if it throws.
  ///   - report: called now and then, with messages done and messages in all.
  /// - Throws: `ExportFailure` where a part of the history cannot be read, `ExportOutputError`, or what the database
  ///   says.
  public func run(to output: ExportOutput, report: (Int64, Int64) -> Void) async throws -> ExportSummary {
    do {
      var run = ExportRun(output: output)
      try await write(&run, report)
      let output = run.output
      try await Blocking.run { try output.finish() }
      run.summary.bytes = output.bytes
      return run.summary
    } catch {
      await Blocking.run { output.discard() }
      throw error
    }
  }

  private func write(_ run: inout ExportRun, _ report: (Int64, Int64) -> Void) async throws {
    let rooms = try await rooms()
    try await run.write([.header(header)])
    for start in stride(from: 0, to: rooms.count, by: Self.page) {
      try await run.write(rooms[start..<min(start + Self.page, rooms.count)].map(ExportLine.room))
    }
    let newest = try await writeUsers(of: rooms, &run)
    try await writeMembers(of: rooms, upTo: newest, &run)
    try await run.writeCounts()
    let total = rooms.reduce(0) { $0 + $1.lastSeq }
    try await blocks.read(rooms) { _, messages in
      if only != nil { try await writeUsers(ids: messages.map(\.userID), &run) }
      try await run.write(messages)
      report(run.summary.messages, total)
    }
  }

  private func rooms() async throws -> [CatalogueRoom] {
    if let only {
      var rooms: [CatalogueRoom] = []
      for id in Set(only).sorted() {
        guard let room = try await catalogue.room(id) else { throw ChatError.roomNotFound(id) }
        rooms.append(room)
      }
      return rooms
    }
    var rooms: [CatalogueRoom] = []
    while true {
      let page = try await catalogue.rooms(after: rooms.last?.room.id ?? 0, limit: Self.page)
      rooms += page
      if page.count < Self.page { return rooms }
    }
  }

  /// Returns the newest user that may be named as a member: one who came later has no line.
  private func writeUsers(of rooms: [CatalogueRoom], _ run: inout ExportRun) async throws -> UserID {
    if only != nil {
      for room in rooms {
        try await eachMemberPage(of: room) { page in try await writeUsers(ids: page.map(\.id), &run) }
      }
      return .max
    }
    var last: UserID = 0
    while true {
      let page = try await catalogue.users(after: last, limit: Self.page)
      try await run.write(page.map(ExportLine.user))
      last = page.last?.user.id ?? last
      if page.count < Self.page { return last }
    }
  }

  /// Those that were not written before.
  private func writeUsers(ids: [UserID], _ run: inout ExportRun) async throws {
    let new = Set(ids).subtracting(run.writtenUsers)
    guard !new.isEmpty else { return }
    run.writtenUsers.formUnion(new)
    try await run.write(try await catalogue.users(ids: Array(new)).map(ExportLine.user))
  }

  private func writeMembers(of rooms: [CatalogueRoom], upTo newest: UserID, _ run: inout ExportRun) async throws {
    for room in rooms {
      try await eachMemberPage(of: room) { page in
        let members = page.filter { only == nil ? $0.id <= newest : run.writtenUsers.contains($0.id) }
        try await run.write(
          members.map { entry -> ExportLine in
            var member = entry.member
            member.readSeq = min(member.readSeq, room.lastSeq)
            return .member(member)
          })
      }
    }
  }

  private func eachMemberPage(
    of room: CatalogueRoom, _ body: ([(id: UserID, member: CatalogueMember)]) async throws -> Void
  ) async throws {
    var last: UserID = 0
    while true {
      let page = try await catalogue.members(of: room.room.id, after: last, limit: Self.page)
      if !page.isEmpty { try await body(page) }
      guard page.count == Self.page, let end = page.last else { return }
      last = end.id
    }
  }
}

/// An export under way: what was written so far.
private struct ExportRun {
  let output: ExportOutput
  var summary = ExportSummary()
  /// Where not all users are written: those that were.
  var writtenUsers: Set<UserID> = []

  mutating func write(_ lines: [ExportLine]) async throws {
    guard !lines.isEmpty else { return }
    for line in lines {
      switch line {
      case .room(let room):
        summary.rooms += 1
        summary.importing += room.isImporting ? 1 : 0
      case .user: summary.users += 1
      case .member: summary.members += 1
      case .header, .catalogue: break
      }
    }
    try await write { for line in lines { line.append(to: &$0) } }
  }

  mutating func writeCounts() async throws {
    let counts = ExportCounts(rooms: summary.rooms, users: summary.users, members: summary.members)
    try await write([.catalogue(counts)])
  }

  mutating func write(_ messages: [Message]) async throws {
    summary.messages += Int64(messages.count)
    summary.deleted += Int64(messages.count(where: \.isDeleted))
    try await write { for message in messages { ExportLine.append(message, to: &$0) } }
  }

  /// Rendered, compressed and written on a thread that may block, while the next block is read.
  private func write(_ body: @escaping @Sendable (inout JSONWriter) -> Void) async throws {
    let output = output
    try await Blocking.run {
      var writer = JSONWriter(capacity: 1 << 18)
      body(&writer)
      try output.write(writer.bytes)
    }
  }
}
