/// Everything that a run leaves behind for the checker.
struct Evidence: Sendable, Equatable {
  var attempts: [Attempt] = []
  /// Of each client in the order in which it made them.
  var subscriptions: [Subscription] = []
  var rawConnections: [RawConnection] = []
  var pages: [Page] = []
  /// Frames that made no sense, in words.
  var nonsense: [String] = []
  /// The rooms as they stand in the end, by server.
  var rooms: [RoomRecord] = []
  /// What Elasticsearch holds in the end; `nil` if there is none.
  var documents: [IndexedDocument]?
}

/// A room's whole history as one server's pages have it.
struct RoomRecord: Sendable, Equatable {
  var room: Int64
  var server: Int
  var lastEvent: Int64
  var lastSeq: Int64
  /// Rising by seq; deleted messages are left out.
  var messages: [SeenMessage]
  /// What the server said instead of the messages behind these; `nil` if it told them all.
  var refusal: String?
}

/// A document of the index, whatever its id.
struct IndexedDocument: Sendable, Equatable {
  var id: String
  var version: Int64
  var room: Int64
  var seq: Int64
  var event: Int64
  var revised: Int64
  var user: String
  var ref: String?
  /// `nil` where the document has none.
  var text: String?
  var isDeleted: Bool
}
