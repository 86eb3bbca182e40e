import ChatRooms

/// Joins that wait until this server has everything that was committed anywhere before they came.
///
/// Beside other servers a room's tail lags behind what those have acknowledged, by a moment or, without the bus, by a
/// look at the lanes' heads. Who joins here must not be shown a message whose deletion was acknowledged elsewhere
/// before, nor miss one that was sent; so a join waits for heads that are read after it came, and then for the events up
/// to there. Joins that come while heads are being read share the next read.
struct JoinGate: Sendable {
  struct Join: Sendable {
    var request: JoinRequest
    var loop: Int
    var came: Milliseconds
    fileprivate var stage = Stage.new
  }

  fileprivate enum Stage {
    case new
    /// Heads are being read.
    case looking
    /// The room's lane must be delivered up to here.
    case reaching(Int64)
  }

  /// How long a join waits for heads before it takes what there is: the database does not answer.
  static let lookPatience: Milliseconds = 1_000
  /// How long it waits in all: what is known to be committed cannot be had.
  static let patience: Milliseconds = 5_000

  private var joins: [Join] = []
  private var isLooking = false

  var isEmpty: Bool { joins.isEmpty }

  mutating func add(_ request: JoinRequest, loop: Int, now: Milliseconds) {
    joins.append(Join(request: request, loop: loop, came: now))
  }

  mutating func remove(_ subscription: SubscriptionID) {
    joins.removeAll { $0.request.subscription == subscription }
  }

  /// Whether heads are to be read now; then `looked` must follow.
  mutating func takeLook() -> Bool {
    guard !isLooking else { return false }
    for index in joins.indices {
      guard case .new = joins[index].stage else { continue }
      joins[index].stage = .looking
      isLooking = true
    }
    return isLooking
  }

  /// - Parameter heads: `nil` if the database did not answer: what there is must do.
  mutating func looked(_ heads: [LaneHead]?) {
    isLooking = false
    let heads = heads.map { Dictionary($0.map { ($0.lane, $0.head) }) { first, _ in first } }
    for index in joins.indices {
      guard case .looking = joins[index].stage else { continue }
      joins[index].stage = .reaching(heads?[joins[index].request.room.lane] ?? 0)
    }
  }

  /// Those who need not wait any longer, in the order in which they came.
  mutating func takeReady(now: Milliseconds, delivered: (Int) -> Int64) -> [Join] {
    guard !joins.isEmpty else { return [] }
    var ready: [Join] = []
    joins.removeAll { join in
      guard join.isReady(after: now - join.came, delivered) else { return false }
      ready.append(join)
      return true
    }
    return ready
  }
}

extension JoinGate.Join {
  fileprivate func isReady(after wait: Milliseconds, _ delivered: (Int) -> Int64) -> Bool {
    guard case .reaching(let head) = stage else { return wait >= JoinGate.lookPatience }
    return delivered(request.room.lane) >= head || wait >= JoinGate.patience
  }
}
