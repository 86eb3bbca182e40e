import ChatRooms

/// The rooms that a query names: a public one and the caller's own private ones may have one name.
typealias NamedRooms = [(reference: SearchQuery.RoomReference, room: Room)]

/// The rooms that a reference of a query means, as far as the caller may know of them.
public typealias RoomResolver = @Sendable (SearchQuery.RoomReference, SearchRequest) async throws -> [Room]

extension SearchQuery {
  /// Every room that is named somewhere.
  var roomReferences: [RoomReference] {
    switch self {
    case .room(let reference): [reference]
    case .not(let part): part.roomReferences
    case .all(let parts), .any(let parts): parts.flatMap(\.roomReferences)
    default: []
    }
  }

  func namedRooms(_ request: SearchRequest, _ resolve: RoomResolver) async throws -> NamedRooms {
    var found: NamedRooms = []
    var known: [RoomReference] = []
    for reference in roomReferences where !known.contains(reference) {
      known.append(reference)
      found += try await resolve(reference, request).map { (reference, $0) }
    }
    return found
  }
}

extension RoomStore {
  /// The rooms that a query names: by its number, or by a name that the caller knows.
  func rooms(_ reference: SearchQuery.RoomReference, _ request: SearchRequest) async throws -> [Room] {
    switch reference {
    case .name(let name): try await rooms(named: name, member: request.caller?.id)
    case .id(let id): [try await room(id)].compactMap { $0 }
    }
  }
}
