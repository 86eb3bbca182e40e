import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// Rooms of every kind with everything that may have happened in them.
struct ExportedTown {
  let profile: EmbeddedProfile

  /// - Parameter messages: in the largest room.
  init(messages: Int = 2_345) async throws {
    profile = try await EmbeddedProfile()
    var entries = RandomEntries(seed: 21)
    var users: [User] = []
    for name in ["John", "camelia", "CAMELIA", "é", "日本 🫖", ":(*@args, *%kwargs)"] {
      let display = users.count.isMultiple(of: 2) ? "Display \(name)" : nil
      users.append(try await profile.store.createUser(name: name, displayName: display))
    }
    // Ids are not dense.
    try await profile.database.execute("UPDATE users SET id = id + 40 WHERE name = ?", [.text("é")])
    users[3] = try await profile.user("é")
    let left = try await profile.user("who left")
    let square = try await room(NewRoom(name: "square", topic: "Come in, 盾", ref: "sq"), by: users[0])
    try await fill(square, count: messages, by: users + [left], &entries)
    let gone = try await room(NewRoom(name: "gone"), by: users[0])
    try profile.send(["left out"], to: gone, by: users[0])
    try profile.commit([Submission(room: gone, action: .close, actor: users[0], ref: nil)])
    try await fill(room(NewRoom(name: "cellar", kind: .private), by: users[1]), count: 30, by: users, &entries)
    _ = try await room(NewRoom(name: "cellar", topic: "empty", kind: .private), by: users[2])
    let direct = try await room(NewRoom(kind: .direct, members: ["é"]), by: users[1])
    try await fill(direct, count: 3, by: [users[1], users[3]], &entries)
    _ = try await profile.room()
    for user in users { _ = try await profile.store.addMember(user, to: square.id, role: .member) }
    _ = try await profile.store.addMember(users[1], to: square.id, role: .owner)
    _ = try await profile.store.markRead(room: square.id, user: users[2].id, seq: 17)
    _ = try await profile.store.addMember(left, to: square.id, role: .member)
    try profile.commit([Submission(room: square, action: .remove(user: left), actor: left, ref: nil)])
    try await profile.store.deleteUser(left, messages: .keep)
  }

  private func room(_ new: NewRoom, by user: User) async throws -> Room {
    try await profile.store.createRoom(new, by: user).room
  }

  private func fill(_ room: Room, count: Int, by users: [User], _ entries: inout RandomEntries) async throws {
    var submissions: [Submission] = []
    for number in 0..<count {
      let text = number == 1 ? String(repeating: "長", count: 5_461) : entries.text()
      let action = Submission.Action.send(
        text: text, data: entries.optional { $0.data() },
        replyTo: number == 0 ? nil : entries.optional { $0.number(1...Int64(number)) })
      let user = users[Int(entries.number(0...Int64(users.count - 1)))]
      submissions.append(
        Submission(room: room, action: action, actor: user, ref: number.isMultiple(of: 5) ? "ref-\(number)" : nil))
    }
    let messages = try profile.commit(submissions).compactMap(\.event?.message)
    var changes: [Submission] = []
    for message in messages where entries.isChosen(20) {
      let isDeletion = entries.isChosen(50)
      changes.append(
        Submission(
          room: room, action: isDeletion ? .delete(base: message) : .edit(base: message, text: "now " + entries.text()),
          actor: users[0], ref: nil))
    }
    try profile.commit(changes)
  }
}

extension EmbeddedProfile {
  /// Everything, or some rooms, as lines.
  func export(only: [RoomID]? = nil, to path: String? = nil) async throws -> [String] {
    let path = path ?? folder.file("export-\(UUID().uuidString).ndjson")
    let header = ExportHeader(id: UUID().uuidString, installation: "test", exportedAt: 1)
    let exporter = Exporter(database: database, history: history, header: header, only: only, attempts: 1)
    _ = try await exporter.run(to: try ExportOutput(path: path)) { _, _ in }
    return try ExportedLines.read(path)
  }

  func importing(_ lines: [String], sink: (any ImportSink)? = nil, prefix: String = "") async throws -> ImportSummary {
    let path = folder.file("import-\(UUID().uuidString).ndjson")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return try await importing(path: path, sink: sink, prefix: prefix)
  }

  func importing(path: String, sink: (any ImportSink)? = nil, prefix: String = "") async throws -> ImportSummary {
    try await importer(sink: sink, prefix: prefix).run(path: path) { _ in }
  }

  func importer(sink: (any ImportSink)? = nil, prefix: String = "") -> Importer {
    Importer(
      store: store, ledger: ImportLedger(database: database), sink: sink ?? SQLiteImportSink(database: database),
      journal: journal, roomPrefix: prefix)
  }

  func count(_ table: String) async throws -> Int64 {
    try await database.query("SELECT COUNT(*) FROM \(table)").first?.integer(0) ?? 0
  }
}

enum ExportedLines {
  static func read(_ path: String) throws -> [String] {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
