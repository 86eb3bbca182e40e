/// Which of several equal servers is asked next: round-robin over those that answer, the others left out for a time
/// that doubles with each failure. A state machine without a clock of its own.
struct NodeSelector {
  typealias Instant = ContinuousClock.Instant

  private struct Node {
    var failures = 0
    /// Not asked before; `nil` while it answers.
    var deadUntil: Instant?
    var lastReply: Instant?
  }

  static let firstPause: Duration = .seconds(1)
  static let longestPause: Duration = .seconds(60)

  private var nodes: [Node]
  private var next = 0

  init(count: Int) { nodes = Array(repeating: Node(), count: max(1, count)) }

  /// The node to ask. One whose pause is over is probed by a single request, unless another failure says otherwise.
  /// Where all are dead, the one that is due first.
  mutating func pick(at now: Instant) -> Int {
    pickAnswering(at: now) ?? nodes.indices.min { nodes[$0].deadUntil ?? now < nodes[$1].deadUntil ?? now } ?? 0
  }

  /// As `pick`, but `nil` where all are dead and none is due.
  mutating func pickAnswering(at now: Instant) -> Int? {
    for step in 0..<nodes.count {
      let index = (next + step) % nodes.count
      if let deadUntil = nodes[index].deadUntil {
        guard deadUntil <= now else { continue }
        nodes[index].deadUntil = now + Self.pause(after: nodes[index].failures)
      }
      next = (index + 1) % nodes.count
      return index
    }
    return nil
  }

  mutating func succeeded(_ index: Int, at now: Instant) {
    guard nodes.indices.contains(index) else { return }
    nodes[index] = Node(lastReply: now)
  }

  /// The deadline of a request begun at `start` has passed. One slow request does not make a node dead: only one that
  /// said nothing to anybody meanwhile is.
  mutating func timedOut(_ index: Int, since start: Instant, at now: Instant) {
    guard nodes.indices.contains(index) else { return }
    if let lastReply = nodes[index].lastReply, lastReply >= start { return }
    failed(index, at: now)
  }

  mutating func failed(_ index: Int, at now: Instant) {
    guard nodes.indices.contains(index) else { return }
    nodes[index].failures += 1
    nodes[index].deadUntil = now + Self.pause(after: nodes[index].failures)
  }

  private static func pause(after failures: Int) -> Duration {
    min(longestPause, firstPause * (1 << min(max(failures - 1, 0), 6)))
  }
}
