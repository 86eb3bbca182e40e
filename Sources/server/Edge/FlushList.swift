/// Connections of a loop that have something to write, in the order in which they are written to.
///
/// A broadcast to a large room is hundreds of writes. They wait in a line of their own that is worked off piece by piece,
/// so that answers, small rooms and new input need not wait for its end; and whoever waits in it gets, in one write,
/// what was said meanwhile too.
struct FlushList {
  enum Urgency: UInt8 {
    case none
    case bulk
    /// In this turn.
    case prompt
  }

  private var prompt: [Connection] = []
  private var bulk: [Connection] = []
  private var bulkHead = 0

  /// Whether something is left for the next turn.
  var hasBulk: Bool { bulkHead < bulk.count }

  /// Lists a connection, unless it is listed as urgently already.
  mutating func add(_ connection: Connection, _ urgency: Urgency) {
    guard connection.urgency.rawValue < urgency.rawValue else { return }
    connection.urgency = urgency
    if urgency == .prompt { prompt.append(connection) } else { bulk.append(connection) }
  }

  /// Everyone who is to be written to in this turn.
  mutating func takePrompt() -> [Connection] {
    var taken: [Connection] = []
    swap(&taken, &prompt)
    for connection in taken { connection.urgency = .none }
    return taken
  }

  /// Gives storage back that `takePrompt` took, to be used again.
  mutating func reuse(_ storage: consuming [Connection]) {
    guard prompt.isEmpty else { return }
    storage.removeAll(keepingCapacity: true)
    prompt = storage
  }

  /// The one that has waited longest; `nil` at the end of the line.
  mutating func nextBulk() -> Connection? {
    while bulkHead < bulk.count {
      let connection = bulk[bulkHead]
      bulkHead += 1
      if bulkHead == bulk.count {
        bulk.removeAll(keepingCapacity: true)
        bulkHead = 0
      } else if bulkHead >= 1_024, bulkHead * 2 >= bulk.count {
        bulk.removeSubrange(..<bulkHead)
        bulkHead = 0
      }
      // Some were written to meanwhile because something urgent came.
      guard connection.urgency == .bulk else { continue }
      connection.urgency = .none
      return connection
    }
    return nil
  }

  /// Bytes that wait for the connection which has waited longest.
  var longestWait: Int { hasBulk ? bulk[bulkHead].outbound.byteCount : 0 }
}
