import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// Users, rooms, memberships and messages that change at random, with a model of who may read what beside them.
///
/// The rooms are the embedded profile's; what is committed in it can be searched there, or be given to Elasticsearch.
final class MayReadWorld {
  struct Fact {
    var message: Message
    var words: [String]
  }

  struct ModelRoom {
    var room: Room
    var members: Set<Int> = []
    var isClosed = false
    var facts: [Int64: Fact] = [:]
  }

  static let words = ["apple", "pear", "plum", "quince", "猫", "東京"]

  let profile: EmbeddedProfile
  private(set) var users: [User] = []
  private(set) var rooms: [ModelRoom] = []
  /// Everything that was committed, in order.
  private(set) var events: [RoomEvent] = []
  var random: SplitMix64

  init(users userCount: Int, rooms roomCount: Int, seed: UInt64) async throws {
    profile = try await EmbeddedProfile()
    random = SplitMix64(seed: seed)
    for number in 0..<userCount { users.append(try await profile.user("user\(number)")) }
    for number in 0..<roomCount { try await makeRoom(number) }
  }

  private func makeRoom(_ number: Int) async throws {
    let kind = [Room.Kind.public, .private, .private][Int.random(in: 0..<3, using: &random)]
    rooms.append(ModelRoom(room: try await profile.room("room\(number)", kind)))
    for _ in 0..<Int.random(in: 1...4, using: &random) { try await join(rooms.count - 1, anyUser()) }
  }

  private func anyUser() -> Int { Int.random(in: 0..<users.count, using: &random) }
  private func anyRoom() -> Int { Int.random(in: 0..<rooms.count, using: &random) }

  /// One change of the world.
  func step() async throws {
    let (room, user) = (anyRoom(), anyUser())
    switch Int.random(in: 0..<100, using: &random) {
    case ..<12: try await join(room, user)
    case ..<24: try await remove(room, user)
    case ..<25: try await close(room)
    case ..<34: try await edit(room)
    case ..<42: try await delete(room)
    default: try await send(room, user)
    }
  }

  func join(_ room: Int, _ user: Int) async throws {
    guard !rooms[room].isClosed else { return }
    try await profile.store.addMember(users[user], to: rooms[room].room.id, role: .member)
    rooms[room].members.insert(user)
  }

  func remove(_ room: Int, _ user: Int) async throws {
    guard rooms[room].members.remove(user) != nil else { return }
    try await commit(rooms[room].room, .remove(user: users[user]))
  }

  private func close(_ room: Int) async throws {
    guard !rooms[room].isClosed else { return }
    rooms[room].isClosed = true
    rooms[room].members = []
    try await commit(rooms[room].room, .close)
  }

  private func send(_ room: Int, _ user: Int) async throws {
    guard !rooms[room].isClosed else { return }
    let words = someWords()
    let event = try await commit(
      rooms[room].room, .send(text: words.joined(separator: " "), data: nil, replyTo: nil), by: users[user])
    if let message = event?.message { rooms[room].facts[message.seq] = Fact(message: message, words: words) }
  }

  private func edit(_ room: Int) async throws {
    guard !rooms[room].isClosed, let fact = rooms[room].facts.values.randomElement(using: &random) else { return }
    let words = someWords()
    let event = try await commit(rooms[room].room, .edit(base: fact.message, text: words.joined(separator: " ")))
    if let message = event?.message { rooms[room].facts[message.seq] = Fact(message: message, words: words) }
  }

  private func delete(_ room: Int) async throws {
    guard !rooms[room].isClosed, let fact = rooms[room].facts.values.randomElement(using: &random) else { return }
    try await commit(rooms[room].room, .delete(base: fact.message))
    rooms[room].facts[fact.message.seq] = nil
  }

  private func someWords() -> [String] {
    (0..<Int.random(in: 1...3, using: &random)).compactMap { _ in Self.words.randomElement(using: &random) }
  }

  @discardableResult
  private func commit(_ room: Room, _ action: Submission.Action, by actor: User? = nil) async throws -> RoomEvent? {
    let submission = Submission(room: room, action: action, actor: actor ?? users[0], ref: nil)
    // Commits wait for the disk.
    let event = try await Blocking.run { [profile] in try profile.commit([submission]).first?.event }
    if let event { events.append(event) }
    return event
  }

  /// Every message there is, whoever may read it.
  var messageCount: Int { rooms.reduce(0) { $0 + $1.facts.count } }

  func mayRead(_ user: Int?, _ room: ModelRoom) -> Bool {
    !room.isClosed && (room.room.kind == .public || user.map { room.members.contains($0) } ?? false)
  }

  /// The ids that a search must find: all of them, and nothing else.
  func expected(_ user: Int?, word: String?, in only: Set<RoomID>? = nil) -> Set<String> {
    Set(
      rooms.filter { mayRead(user, $0) && only?.contains($0.room.id) ?? true }.flatMap { room in
        room.facts.values.filter { fact in word.map { fact.words.contains($0) } ?? true }.map(\.message.id)
      })
  }

  /// What the service would let the user search.
  func scope(of user: Int?) async throws -> ReadScope {
    try await profile.store.readScope(of: user.map { users[$0].id }, isAdmin: false)
  }
}
