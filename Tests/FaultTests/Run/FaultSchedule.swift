import Drivers
import TestSupport

/// What goes wrong in a run, round by round, all of it from a seed. A round is a fault, or two at once.
struct FaultSchedule: Sendable {
  struct Round: Sendable, Equatable {
    var faults: [Fault]
    /// How far into the round the second one comes, ms.
    var offset: Int
    /// Without faults, after the round, ms.
    var calm: Int
  }

  private var random: SplitMix64
  /// One fault of each kind comes before any comes again.
  private var kinds: [Kind] = []

  private let style: Style
  private let shape: FaultyStack.Shape
  private var turn = 0

  /// What goes wrong at all.
  enum Style: Sendable {
    case everything
    /// Nothing but servers that are told to stop, one after the other, as in an upgrade.
    case rollingRestarts
  }

  init(seed: UInt64, style: Style = .everything, shape: FaultyStack.Shape = .init()) {
    random = SplitMix64(seed: seed)
    self.style = style
    self.shape = shape
  }

  private enum Kind: CaseIterable {
    case killServer, pauseServer, drainServer, killDatabase, pauseDatabase, killRedis, pauseRedis, flushRedis, cut,
      halfClose, silence
    case slow, refuse, index, indexDone, indexItems, indexTimeout, indexBlock, killWhileUnindexed, lockLanes, deadlock
    case killIndexer, pauseIndexer, killElasticsearch, pauseElasticsearch
  }

  private func isPossible(_ kind: Kind) -> Bool {
    switch kind {
    case .killIndexer, .pauseIndexer: shape.indexers > 0
    case .killElasticsearch, .pauseElasticsearch: shape.ownsElasticsearch
    default: true
    }
  }

  private mutating func restart() -> Round {
    defer { turn += 1 }
    return Round(faults: [.drainServer(turn % FaultyStack.serverCount, down: number(0...500))], offset: 0, calm: 1_500)
  }

  /// What is not indexed yet when its indexers die must be indexed by the next: a cursor that had moved too early would
  /// have skipped it.
  private mutating func killWhileUnindexed() -> Round {
    let answer = [IndexAnswer.overloaded, .unavailable, .silent, .refusing].randomElement(using: &random) ?? .silent
    let outage = Fault.answerForIndex(server: nil, answer, time: number(2_500...4_000))
    return Round(
      faults: [outage, .killIndexing(down: number(0...1_000))], offset: number(1_000...2_000), calm: number(300...1_500)
    )
  }

  mutating func nextRound() -> Round {
    if style == .rollingRestarts { return restart() }
    let kind = nextKind()
    if kind == .killWhileUnindexed { return killWhileUnindexed() }
    var faults = [fault(kind)]
    if Bool.random(using: &random), kinds.last != .killWhileUnindexed {
      let second = fault(nextKind())
      // Two that undo each other's work would be one, or none.
      if second.subject != faults[0].subject { faults.append(second) }
    }
    return Round(faults: faults, offset: number(0...1_500), calm: number(300...1_500))
  }

  private mutating func nextKind() -> Kind {
    if kinds.isEmpty { kinds = Kind.allCases.filter(isPossible).shuffled(using: &random) }
    return kinds.removeLast()
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  private mutating func indexer() -> Int { FaultyStack.serverCount + number(0...max(0, shape.indexers - 1)) }

  private mutating func line() -> Line {
    let server = number(0...(FaultyStack.serverCount + shape.indexers - 1))
    guard server < FaultyStack.serverCount else { return .database(server: server) }
    switch number(0...2) {
    case 0: return .clients(server: server)
    case 1: return .database(server: server)
    default: return .redis(server: server)
    }
  }

  private mutating func fault(_ kind: Kind) -> Fault {
    let server = number(0...1)
    switch kind {
    case .killServer: return .killServer(server, down: number(0...2_000))
    case .pauseServer: return .pauseServer(server, time: number(1_000...5_000))
    case .drainServer: return .drainServer(server, down: number(0...1_000))
    case .killIndexer: return .killServer(indexer(), down: number(0...3_000))
    // Now and then for longer than a lease, so that its lanes are another's when it goes on.
    case .pauseIndexer: return .pauseServer(indexer(), time: Bool.random(using: &random) ? 12_000 : number(500...5_000))
    case .killElasticsearch: return .killBackend(.elasticsearch, down: number(0...1_000))
    case .pauseElasticsearch: return .pauseBackend(.elasticsearch, time: number(500...6_000))
    case .lockLanes: return .lockLanes(time: number(500...3_000))
    case .deadlock: return .deadlock
    case .indexTimeout: return .answerForIndex(server: nil, .doneSilent, time: number(500...6_000))
    case .indexBlock: return indexFault([.blocked])
    // Always a round of its own.
    case .killWhileUnindexed: return .killIndexing(down: number(0...1_000))
    case .killDatabase: return .killBackend(.mariadb, down: number(0...1_000))
    case .pauseDatabase: return .pauseBackend(.mariadb, time: number(500...4_000))
    case .killRedis: return .killBackend(.redis, down: number(0...3_000))
    case .pauseRedis: return .pauseBackend(.redis, time: number(500...4_000))
    case .flushRedis: return .flushRedis
    case .cut: return .cut(line())
    case .halfClose: return .halfClose(line())
    case .silence: return .disturb(line(), .silent, time: number(500...5_000))
    case .slow: return .disturb(line(), .slow(number(5...100)), time: number(500...4_000))
    case .refuse: return .disturb(line(), .refusing, time: number(200...3_000))
    case .index: return indexFault(IndexAnswer.allCases.filter { $0 != .honest })
    case .indexDone: return indexFault([.doneUnanswered])
    case .indexItems: return indexFault([.itemsOverloaded])
    }
  }

  private mutating func indexFault(_ answers: [IndexAnswer]) -> Fault {
    let answer = answers.randomElement(using: &random) ?? .silent
    let server = Bool.random(using: &random) ? nil : number(0...(FaultyStack.serverCount + shape.indexers - 1))
    return .answerForIndex(server: server, answer, time: number(500...4_000))
  }
}

extension Fault {
  /// What it touches: two faults of one subject at once make no sense.
  fileprivate var subject: String {
    switch self {
    case .killServer(let server, _), .pauseServer(let server, _), .drainServer(let server, _): "server \(server)"
    case .killIndexing: "servers"
    case .lockLanes, .deadlock: PrivateBackends.Part.mariadb.rawValue
    case .killBackend(let part, _), .pauseBackend(let part, _): part.rawValue
    case .flushRedis: PrivateBackends.Part.redis.rawValue
    case .cut(let line), .halfClose(let line), .disturb(let line, _, _): line.description
    case .answerForIndex: "index"
    }
  }
}
