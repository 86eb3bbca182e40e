import HistoryIndex

/// The bounds of what one connection may ask for.
struct SessionLimits: Sendable {
  /// Sends, edits and deletions. Generous: a person types one a second, a bot or an import may burst.
  var sends = TokenBucket.Limit(rate: 100, burst: 1_000)
  /// Everything else that a client asks for. The burst lets a client that comes back join all of its rooms at once.
  var requests = TokenBucket.Limit(rate: 50, burst: 1_000)
  /// Refused operations in a row after which the connection is closed with 4029.
  var refusals = 500
  /// Milliseconds without a refusal after which they are forgotten.
  var refusalMemory: Int64 = 10_000
  /// Reads of history and marks that have not been answered yet; more are left unread on the socket.
  var requestsInFlight = 16
  /// Messages, edits and deletions that have not been acknowledged yet; more are left unread on the socket.
  var sendsInFlight = 1_024
  /// Frames that wait for their rooms to be joined; more are left unread on the socket.
  var framesHeld = 256
  /// Rooms of one connection.
  var rooms = 500
  /// Milliseconds between two typing notices that are passed on.
  var typingInterval: Int64 = 2_000
}
