import ChatRooms
import Drivers

extension ChatError {
  /// What clients are told of a database that cannot be reached or is too busy; `nil` for any other error.
  init?(ofDatabase error: any Error) {
    guard let error = error as? SQLError, error.kind == .unavailable || error.kind == .conflict else { return nil }
    self = .unavailable("The database")
  }
}
