import ChatRooms
import Drivers

/// Brings an export's rooms, users and memberships in, before its messages.
///
/// Until all names of rooms were compared with those that are taken, nothing is written.
struct ExportCatalogue {
  /// What the messages need to go on.
  struct Result {
    /// Where the import stands: behind the catalogue, or further.
    var progress: ImportProgress
    /// By the room's id in the export.
    var targets: [RoomID: ExportTarget]
    /// Behind the catalogue.
    var lines: LineReader
  }

  private let reader: ExportCatalogueReader
  private let ledger: ImportLedger
  private let laneCount: Int
  private let roomPrefix: String
  private let source: String

  private var rooms: [CatalogueRoom] = []
  private var counts = ExportCounts()
  /// Once writing has begun.
  private var begun: Begun?
  /// Once the rooms are there.
  private var targets: [RoomID: ExportTarget]?

  private struct Begun {
    var progress: ImportProgress
    var writer: CatalogueWriter
    var keepsIDs: Bool
  }

  init(_ lines: LineReader, ledger: ImportLedger, laneCount: Int, roomPrefix: String, source: String) {
    reader = ExportCatalogueReader(lines)
    self.ledger = ledger
    self.laneCount = laneCount
    self.roomPrefix = roomPrefix
    self.source = source
  }

  /// - Throws: `ImportRefusal`, or what the database says.
  mutating func run() async throws -> Result {
    while true {
      let reader = reader
      switch try await Blocking.run({ try reader.next() }) {
      case .rooms(let more): try add(more)
      case .users(let users): try await add(users)
      case .members(let members): try await add(members)
      case .end(let expected): return try await finish(expected)
      }
    }
  }

  // MARK: Rooms

  private mutating func add(_ more: [CatalogueRoom]) throws {
    guard begun == nil else { throw ImportRefusal("line \(reader.lineCount): a room after users") }
    counts.rooms += Int64(more.count)
    for var entry in more {
      do {
        if let name = entry.room.name { entry.room.name = try RoomName.validated(roomPrefix + name) }
      } catch {
        throw ImportRefusal("room '\(entry.room.name ?? "")' with that prefix: \(error.message)")
      }
      rooms.append(entry)
    }
  }

  /// - Throws: `ImportRefusal` before anything is written, if rooms would not be what they were.
  private mutating func begin() async throws -> Begun {
    if let begun { return begun }
    guard Set(rooms.map(\.room.id)).count == rooms.count else { throw ImportRefusal("a room stands there twice") }
    if try await ledger.progress(of: source) == nil { try await refuseTakenNames() }
    let progress = try await ledger.begin(source: source)
    let writer = CatalogueWriter(database: ledger.database, laneCount: laneCount, importID: progress.id)
    let begun = Begun(progress: progress, writer: writer, keepsIDs: try await writer.isAlone())
    self.begun = begun
    return begun
  }

  private func refuseTakenNames() async throws {
    let names = rooms.filter { $0.room.kind == .public }.compactMap(\.room.name)
    let taken = try await CatalogueWriter.takenNames(names, in: ledger.database)
    if !taken.isEmpty { throw Self.refusal(taken) }
  }

  private static func refusal(_ taken: [String]) -> ImportRefusal {
    let names = Set(taken).sorted()
    let list = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 3 ? ", …" : "")
    return ImportRefusal(
      "\(names.count) of its public rooms' names are taken here (\(list)), and an export's rooms are not mixed with "
        + "others: nothing was imported. Give --room-prefix PREFIX, or rename or delete those rooms")
  }

  /// The rooms, made now or by an earlier run.
  private mutating func madeRooms() async throws -> [RoomID: ExportTarget] {
    if let targets { return targets }
    let begun = try await begin()
    var held = try await begun.writer.heldRooms()
    if held.isEmpty, !rooms.isEmpty {
      do {
        try await begun.writer.add(rooms, keepsIDs: begun.keepsIDs)
      } catch let error as ChatError where error.word == "name_taken" {
        try await refuseTakenNames()
        throw error
      }
      held = try await begun.writer.heldRooms()
    }
    guard held.count == rooms.count else {
      throw ImportRefusal("this import holds \(held.count) of its \(rooms.count) rooms: was another file imported so?")
    }
    var targets: [RoomID: ExportTarget] = [:]
    for (entry, target) in zip(rooms, held) {
      targets[entry.room.id] = ExportTarget(room: target.room, position: target.position, expectedSeq: entry.lastSeq)
    }
    self.targets = targets
    return targets
  }

  // MARK: Users and members

  private mutating func add(_ users: [CatalogueUser]) async throws {
    guard targets == nil else { throw ImportRefusal("line \(reader.lineCount): a user after members") }
    let begun = try await begin()
    counts.users += Int64(users.count)
    try await begun.writer.add(users, keepsIDs: begun.keepsIDs)
  }

  private mutating func add(_ members: [CatalogueMember]) async throws {
    let (begun, targets) = (try await begin(), try await madeRooms())
    counts.members += Int64(members.count)
    let translated = try members.map { member in
      guard let target = targets[member.room] else {
        throw ImportRefusal("a member of room \(member.room), which the export does not have")
      }
      var member = member
      member.room = target.room.id
      member.readSeq = min(member.readSeq, target.expectedSeq)
      return member
    }
    try await begun.writer.add(translated)
  }

  private mutating func finish(_ expected: ExportCounts) async throws -> Result {
    guard counts == expected else {
      throw ImportRefusal(
        "the export has \(counts.rooms) rooms, \(counts.users) users and \(counts.members) members "
          + "where it says \(expected.rooms), \(expected.users) and \(expected.members)")
    }
    let targets = try await madeRooms()
    var progress = try await begin().progress
    if progress.bytes < reader.lines.offset {
      progress.bytes = reader.lines.offset
      progress.lines = reader.lineCount
      try await ledger.record(ImportCheckpoint(progress: progress, rooms: [:]))
    }
    return Result(progress: progress, targets: targets, lines: reader.lines)
  }
}
