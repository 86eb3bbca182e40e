import ChatRooms

/// A message that the index may not show yet, in its present state, ready to be matched.
final class TailEntry: Sendable {
  let message: Message
  let isPublic: Bool
  private let text: AnalyzedText
  private let features: MessageFeatures

  init(_ event: RoomEvent) {
    message = event.message
    isPublic = event.roomKind == .public
    let isGone = event.message.isDeleted || event.kind == .deletion
    text = AnalyzedText(isGone ? "" : event.message.text)
    features = MessageFeatures(isGone ? "" : event.message.text)
  }

  /// What the scope lets the caller read, and the chosen rooms hold.
  ///
  /// - Parameter rooms: those of the scope.
  func isReadable(_ request: SearchRequest, _ rooms: Set<RoomID>) -> Bool {
    guard !message.isDeleted, !request.scope.closedRooms.contains(message.room) else { return false }
    guard request.rooms.isEmpty || request.rooms.contains(where: { $0.id == message.room }) else { return false }
    return request.scope.isUnlimited || isPublic || rooms.contains(message.room)
  }

  func matches(_ query: TailQuery) -> Bool {
    LiteralCheck.holds(query.tree, on: message) { matches(leaf: $0, query) }
  }

  private func matches(leaf: SearchQuery, _ query: TailQuery) -> Bool {
    switch leaf {
    case .everything: true
    case .word, .phrase, .prefix: query.pattern(of: leaf)?.matches(text) ?? false
    case .author(let name): message.user == name
    case .room(let reference):
      query.rooms.contains { $0.reference == reference && $0.room.id == message.room }
    case .time(let from, let to): message.timestamp >= from ?? .min && message.timestamp < to ?? .max
    case .has(.link): !features.links.isEmpty
    case .has(.code): features.hasCode
    case .has(.mention): !features.mentions.isEmpty
    case .has(.edit): message.editedAt != nil
    case .mentions(let name): features.mentions.contains(name)
    case .link(let host): features.links.contains(host.lowercased())
    case .literal, .not, .all, .any: false
    }
  }
}

/// A search's tree with its words cut once for all entries.
struct TailQuery {
  let tree: SearchQuery
  let rooms: NamedRooms
  private let patterns: [(leaf: SearchQuery, pattern: SearchPattern)]

  init(_ tree: SearchQuery, rooms: NamedRooms) {
    self.tree = tree
    self.rooms = rooms
    patterns = tree.leaves.compactMap { leaf in SearchPattern(leaf).map { (leaf, $0) } }
  }

  func pattern(of leaf: SearchQuery) -> SearchPattern? { patterns.first { $0.leaf == leaf }?.pattern }
}
