import ChatRooms
import HistoryIndex

/// What a session asks its connection to do, in order.
enum SessionAction: Sendable {
  case reply(WebSocketFrame)
  /// Frames that a join or a history request brings; they do not count as a queue that the client is too slow for.
  case replay([WebSocketFrame])
  case submit(Submission)
  case request(SessionRequest)
  /// Asks the hub for a room; answered with `joined` or `refused`.
  case subscribe(RoomWish, Room)
  case unsubscribe(RoomID)
  case typing(RoomID)
  /// Reads nothing more from this connection for some milliseconds.
  case pause(milliseconds: Int)
  /// Closes with 4001 at that time; `nil`: never.
  case expire(at: Milliseconds?)
  case close(CloseCode, String)
}

/// Where the outcome of a submission belongs.
struct Receipt: Sendable, Equatable {
  var room: RoomID
  /// The client's own word for it.
  var ref: String?

  init(room: RoomID, ref: String?) {
    self.room = room
    self.ref = ref
  }

  init(of submission: Submission) {
    self.init(room: submission.room.id, ref: submission.clientRef)
  }
}

/// A room that a client wants, and from where on.
struct RoomWish: Sendable, Equatable {
  var room: RoomID
  var since: Int64?
  var epoch: String?
  var limit: Int
  var ref: String?
}

/// Something that takes more than the connection's own thread: answered with a `SessionAnswer`.
enum SessionRequest: Sendable {
  case edit(Room, seq: Int64, text: String, ref: String?)
  case delete(Room, seq: Int64, ref: String?)
  case history(Room, HistoryQuery, ref: String?)
  case read(Room, seq: Int64, ref: String?)
  case authenticate(token: String, ref: String?)
  case admit(RoomWish)
}

enum SessionAnswer: Sendable {
  case changed(Receipt, MessageCommands.Changed)
  case page(Receipt, RenderedPage)
  case read(Receipt, seq: Int64)
  case authenticated(Caller, ref: String?)
  /// The user's presence has been entered.
  case admitted(Room, RoomWish, User)
  case notAdmitted(RoomWish, ChatError)
  case notAuthenticated(ref: String?, ChatError)
  /// An edit or a deletion was refused, or could not be carried out.
  case notChanged(Receipt, ChatError)
  case failed(Receipt, ChatError)
}

extension SessionRequest {
  /// The answer where it cannot be carried out.
  func failure(_ error: ChatError) -> SessionAnswer {
    switch self {
    case .edit(let room, _, _, let ref), .delete(let room, _, let ref):
      .notChanged(Receipt(room: room.id, ref: ref), error)
    case .history(let room, _, let ref), .read(let room, _, let ref): .failed(Receipt(room: room.id, ref: ref), error)
    case .authenticate(_, let ref): .notAuthenticated(ref: ref, error)
    case .admit(let wish): .notAdmitted(wish, error)
    }
  }
}

/// A protocol that a client speaks, as a state machine without I/O: input in, actions out.
///
/// `now` is in milliseconds of a monotonic clock.
protocol Session {
  /// Whether the client has so much unanswered that nothing more is to be read from it.
  var isSaturated: Bool { get }
  /// Whether so much of it has been answered that there is room for more.
  var hasRoom: Bool { get }
  /// Messages, edits and deletions that are not acknowledged yet.
  var sendsInFlight: Int { get }

  /// What begins the session.
  mutating func start() -> [SessionAction]
  mutating func receive(_ text: String, at now: Int64) -> [SessionAction]
  mutating func committed(_ receipt: Receipt, _ result: Result<JournalWriter.Committed, ChatError>) -> [SessionAction]
  mutating func answered(_ answer: SessionAnswer, at now: Int64) -> [SessionAction]
  mutating func joined(_ room: RoomID, _ state: JoinState, _ frames: [WebSocketFrame]) -> [SessionAction]
  mutating func refused(_ room: RoomID, _ error: ChatError) -> [SessionAction]
  /// The server ends a subscription.
  mutating func ended(_ room: RoomID, _ code: CloseCode) -> [SessionAction]
  /// What is said before the server closes; `reconnectAfter` in milliseconds.
  func farewell(reconnectAfter: Int) -> [WebSocketFrame]
}
