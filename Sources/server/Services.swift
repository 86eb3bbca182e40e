import ChatRooms
import Drivers
import HistoryIndex

/// The parts of a running server, as routes and sessions use them.
struct Services: Sendable {
  var rooms: any RoomStore
  var presence: any Presence
  var bus: any Bus
  var journal: any Journal
  var writer: JournalWriter
  var hub: RoomHub
  var history: any History
  var search: any Search
  var erasures: ErasureLedger
  var metrics: Metrics
  var log: Log

  var pages: HistoryPages { HistoryPages(journal: journal, history: history, hub: hub) }
}
