import ChatRooms
import Drivers

extension SQLiteSearch {
  /// Resolves rooms by name and number in a store.
  public init(journal: SQLiteJournal, rooms: any RoomStore, log: Log) {
    self.init(
      journal: journal, parse: ElasticsearchSearch.parse,
      resolve: { reference, _ in
        switch reference {
        case .name(let name): try await rooms.room(named: name)
        case .id(let id): try await rooms.room(id)
        }
      }, log: log)
  }
}
