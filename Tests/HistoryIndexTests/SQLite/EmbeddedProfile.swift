import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// The embedded profile's parts over a database of their own.
final class EmbeddedProfile: Sendable {
  let folder: TemporaryFolder
  let database: SQLiteDatabase
  let store: SQLRoomStore
  let journal: SQLiteJournal
  let history: SQLiteHistory
  let search: SQLiteSearch
  let committer: CommitterBox

  /// - Parameter now: the time of everything that is committed.
  init(now: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) })
    async throws
  {
    folder = try TemporaryFolder()
    let options = SQLiteOptions(readers: 2, functions: SQLiteSearch.functions)
    let database = try SQLiteDatabase(path: folder.file("palaver.db"), options: options)
    _ = try await SchemaMigrator.migrate(database)
    try await MessageWordsUpkeep.run(database, log: .silent)
    self.database = database
    let store = SQLRoomStore(database: database, laneCount: 1)
    self.store = store
    journal = SQLiteJournal(database: database, now: now)
    history = SQLiteHistory(database: database)
    committer = CommitterBox(journal.makeCommitter())
    search = SQLiteSearch(
      journal: journal,
      parse: { request in
        try SearchQueryParser(now: now(), timeZone: .gmt, me: request.caller?.name).parse(request.query)
      },
      resolve: { try await store.rooms($0, $1) }, log: .silent)
  }

  func room(_ name: String? = nil, _ kind: Room.Kind = .public, by user: User? = nil) async throws -> Room {
    try await store.createRoom(NewRoom(name: name, kind: kind), by: user).room
  }

  func user(_ name: String) async throws -> User { try await store.ensureUser(name: name) }

  @discardableResult
  func commit(_ submissions: [Submission]) throws -> [Outcome] { try committer.commit(submissions) }

  /// Sends texts and returns the messages.
  @discardableResult
  func send(_ texts: [String], to room: Room, by user: User) throws -> [Message] {
    try commit(texts.map { .sending($0, to: room, by: user) }).compactMap(\.event?.message)
  }

  /// Texts of the hits.
  func find(
    _ query: String, sort: SearchSort = .recent, rooms: [Room] = [], scope: ReadScope? = nil, limit: Int = 100
  ) async throws -> [String] {
    try await page(query, sort: sort, rooms: rooms, scope: scope, limit: limit).hits.map(\.message.text)
  }

  func page(
    _ query: String, sort: SearchSort = .recent, rooms: [Room] = [], scope: ReadScope? = nil, limit: Int = 100,
    cursor: String? = nil, caller: User? = nil
  ) async throws -> SearchPage {
    let scope = scope ?? ReadScope(isUnlimited: false, rooms: [], closedRooms: [])
    return try await search.search(
      SearchRequest(query: query, scope: scope, rooms: rooms, sort: sort, limit: limit, cursor: cursor, caller: caller))
  }
}

/// Tests commit from whatever thread they are on, one after the other.
final class CommitterBox: @unchecked Sendable {
  private let lock = NSLock()
  private let committer: any JournalCommitter

  init(_ committer: any JournalCommitter) { self.committer = committer }

  func commit(_ batch: [Submission]) throws -> [Outcome] {
    lock.lock()
    defer { lock.unlock() }
    return try committer.commit(batch)
  }
}

extension Submission {
  static func sending(_ text: String, to room: Room, by user: User, ref: String? = nil) -> Submission {
    Submission(room: room, action: .send(text: text, data: nil, replyTo: nil), actor: user, ref: ref)
  }
}
