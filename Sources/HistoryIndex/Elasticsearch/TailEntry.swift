import ChatRooms

/// A message that the index may not show yet, in its present state, ready to be matched.
final class TailEntry: Sendable {
  let message: Message
  let isPublic: Bool
  private let tokens: TextTokens
  private let features: MessageFeatures

  init(_ event: RoomEvent) {
    message = event.message
    isPublic = event.roomKind == .public
    let isGone = event.message.isDeleted || event.kind == .deletion
    tokens = TextTokens(isGone ? "" : event.message.text)
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
    case .word, .phrase: query.tokens(of: leaf).map { !tokens.ranges(of: $0).isEmpty } ?? false
    case .prefix: query.tokens(of: leaf).map { !tokens.ranges(of: $0, isPrefix: true).isEmpty } ?? false
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

  /// What the index would highlight.
  func highlights(_ query: TailQuery) -> [Highlight] {
    var found: [Highlight] = []
    for (leaf, phrase) in query.phrases {
      if case .prefix = leaf {
        found += tokens.ranges(of: phrase, isPrefix: true)
      } else {
        found += tokens.ranges(of: phrase)
      }
    }
    found.sort { $0.start < $1.start }
    return found.reduce(into: []) { merged, next in
      guard let last = merged.last, next.start < last.start + last.length else { return merged.append(next) }
      merged[merged.count - 1].length = max(last.length, next.start + next.length - last.start)
    }
  }
}

/// A search's tree with its words cut once for all entries.
struct TailQuery {
  let tree: SearchQuery
  let rooms: [(reference: SearchQuery.RoomReference, room: Room)]
  let phrases: [(leaf: SearchQuery, tokens: TextTokens)]

  init(_ tree: SearchQuery, rooms: [(reference: SearchQuery.RoomReference, room: Room)]) {
    self.tree = tree
    self.rooms = rooms
    phrases = tree.leaves.compactMap { leaf in
      switch leaf {
      case .word(let text), .phrase(let text), .prefix(let text): (leaf, TextTokens(text))
      default: nil
      }
    }
  }

  func tokens(of leaf: SearchQuery) -> TextTokens? { phrases.first { $0.leaf == leaf }?.tokens }
}
