/// What a run does to a server.
public enum BenchWorkload: String, Sendable, CaseIterable {
  case send, fanout, history, search, storm, idle, lag, mixed
}

/// How a run is made.
public struct BenchOptions: Sendable {
  public var workload: BenchWorkload
  public var host: String
  public var port: Int
  /// Names of users are this and a number. `nil` with a token: the token's own user is everybody.
  public var userPrefix: String?
  /// A JSON Web Token.
  public var token: String?
  /// Seconds that are measured.
  public var seconds: Double
  /// Seconds of the same load before that.
  public var warmUp: Double
  /// Operations a second; 0: as fast as answers come.
  public var rate: Double
  /// Rooms that are made.
  public var rooms: Int
  /// Connections.
  public var clients: Int
  /// Rooms of each connection of `fanout`, which then sends too; 1: readers of one room each, and a sender a room.
  public var roomsPerSocket: Int
  /// Bytes of a message's text.
  public var size: Int
  /// Messages that each room has before the load begins.
  public var messages: Int
  /// Unacknowledged messages of a connection where `rate` is 0.
  public var window: Int
  public var seed: UInt64
  /// What to search for; empty: words of what was sent.
  public var queries: [String]
  /// The server's process, if its memory and processor time are to be told.
  public var process: Int32?
  /// Whether `storm` cuts connections and resumes them.
  public var isResuming: Bool
  /// Whether the rooms stay.
  public var keepsRooms: Bool

  /// What is usual for a workload.
  public init(_ workload: BenchWorkload, host: String, port: Int) {
    self.workload = workload
    self.host = host
    self.port = port
    let usual = Self.usual(workload)
    (rate, rooms, clients, messages) = (usual.rate, usual.rooms, usual.clients, usual.messages)
    seconds = 20
    warmUp = 2
    size = 100
    window = 20
    roomsPerSocket = 1
    seed = 1
    queries = []
    isResuming = false
    keepsRooms = false
  }

  private static func usual(
    _ workload: BenchWorkload
  ) -> (rate: Double, rooms: Int, clients: Int, messages: Int) {
    switch workload {
    case .send: (500, 10, 50, 0)
    case .fanout: (10, 1, 500, 0)
    case .history: (200, 10, 16, 1_000)
    case .search: (50, 10, 16, 500)
    case .storm: (0, 1, 1_000, 100)
    case .idle: (0, 1, 2_000, 0)
    case .lag: (5, 1, 4, 0)
    case .mixed: (200, 20, 200, 200)
    }
  }
}
