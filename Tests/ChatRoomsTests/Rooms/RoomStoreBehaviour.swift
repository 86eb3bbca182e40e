import Drivers
import Testing

@testable import ChatRooms

/// What a room store does, whichever database is under it.
enum RoomStoreBehaviour: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case namesAreGivenOnce
  case namesAreComparedBytewiseInNFC
  case aNameThatIsNoneIsRefused
  case aUserIsMadeOnFirstSight
  case manyFirstSightsMakeOneUser
  case aDeletedUsersNameStaysTaken
  case deletingAllUsersFreesNamesButNoIDs
  case usersAreListedAndFoundByID
  case aDisplayNameChanges
  case aRoomKnowsItsCreatorAndMembers
  case anUnknownMemberMakesNoRoom
  case publicNamesAreUnique
  case aDeletedRoomGivesItsNameUp
  case theSameRefGivesTheSameRoom
  case manyCallsWithOneRefMakeOneRoom
  case aDirectRoomHasTwoMembers
  case twoUsersHaveOneDirectRoom
  case listingsShowWhatTheReaderMaySee
  case listingsArePaged
  case listingsFindNamesInAnyScript
  case aRoomIsRenamed
  case membersComeOnce
  case aCrowdEntersTogether
  case theReadMarkMovesForward
  case aScopeHoldsWhatMayBeRead

  var testDescription: String { rawValue }
}

struct RoomStoreTester {
  let store: SQLRoomStore
  let database: any SQLDatabase

  func run(_ behaviour: RoomStoreBehaviour) async throws {
    switch behaviour {
    case .namesAreGivenOnce: try await namesAreGivenOnce()
    case .namesAreComparedBytewiseInNFC: try await namesAreComparedBytewiseInNFC()
    case .aNameThatIsNoneIsRefused: try await aNameThatIsNoneIsRefused()
    case .aUserIsMadeOnFirstSight: try await aUserIsMadeOnFirstSight()
    case .manyFirstSightsMakeOneUser: try await manyFirstSightsMakeOneUser()
    case .aDeletedUsersNameStaysTaken: try await aDeletedUsersNameStaysTaken()
    case .deletingAllUsersFreesNamesButNoIDs: try await deletingAllUsersFreesNamesButNoIDs()
    case .usersAreListedAndFoundByID: try await usersAreListedAndFoundByID()
    case .aDisplayNameChanges: try await aDisplayNameChanges()
    case .aRoomKnowsItsCreatorAndMembers: try await aRoomKnowsItsCreatorAndMembers()
    case .anUnknownMemberMakesNoRoom: try await anUnknownMemberMakesNoRoom()
    case .publicNamesAreUnique: try await publicNamesAreUnique()
    case .aDeletedRoomGivesItsNameUp: try await aDeletedRoomGivesItsNameUp()
    case .theSameRefGivesTheSameRoom: try await theSameRefGivesTheSameRoom()
    case .manyCallsWithOneRefMakeOneRoom: try await manyCallsWithOneRefMakeOneRoom()
    case .aDirectRoomHasTwoMembers: try await aDirectRoomHasTwoMembers()
    case .twoUsersHaveOneDirectRoom: try await twoUsersHaveOneDirectRoom()
    case .listingsShowWhatTheReaderMaySee: try await listingsShowWhatTheReaderMaySee()
    case .listingsArePaged: try await listingsArePaged()
    case .listingsFindNamesInAnyScript: try await listingsFindNamesInAnyScript()
    case .aRoomIsRenamed: try await aRoomIsRenamed()
    case .membersComeOnce: try await membersComeOnce()
    case .aCrowdEntersTogether: try await aCrowdEntersTogether()
    case .theReadMarkMovesForward: try await theReadMarkMovesForward()
    case .aScopeHoldsWhatMayBeRead: try await aScopeHoldsWhatMayBeRead()
    }
  }

  /// The word of the `ChatError` that `body` throws.
  func word(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch { return (error as? ChatError)?.word ?? "\(error)" }
  }

  func room(_ name: String? = nil, _ kind: Room.Kind = .public, by user: User? = nil) async throws -> Room {
    try await store.createRoom(NewRoom(name: name, kind: kind), by: user).room
  }

  func user(_ name: String) async throws -> User { try await store.createUser(name: name, displayName: nil) }

  func markDeleted(_ room: Room) async throws {
    try await database.execute("UPDATE rooms SET deleted_at = 1 WHERE id = ?", [.integer(room.id)])
  }
}
