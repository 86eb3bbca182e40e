import ChatRooms
import Drivers

extension SQLiteSearch {
  /// Resolves rooms by name and number in a store.
  public init(journal: SQLiteJournal, rooms: any RoomStore, log: Log) {
    self.init(
      journal: journal, parse: { try $0.parsed() }, resolve: { try await rooms.rooms($0, $1) },
      log: log)
  }
}
