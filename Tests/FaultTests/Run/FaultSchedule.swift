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

  private var random: SeededRandom
  /// One fault of each kind comes before any comes again.
  private var kinds: [Kind] = []

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  private enum Kind: CaseIterable {
    case killServer, pauseServer, killDatabase, pauseDatabase, killRedis, pauseRedis, flushRedis, cut, halfClose,
      silence
    case slow, refuse, index, indexDone, indexItems
  }

  mutating func nextRound() -> Round {
    var faults = [fault(nextKind())]
    if Bool.random(using: &random) {
      let second = fault(nextKind())
      // Two that undo each other's work would be one, or none.
      if second.subject != faults[0].subject { faults.append(second) }
    }
    return Round(faults: faults, offset: number(0...1_500), calm: number(300...1_500))
  }

  private mutating func nextKind() -> Kind {
    if kinds.isEmpty { kinds = Kind.allCases.shuffled(using: &random) }
    return kinds.removeLast()
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  private mutating func line() -> Line {
    let server = number(0...1)
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
    let server = Bool.random(using: &random) ? nil : number(0...1)
    return .answerForIndex(server: server, answer, time: number(500...4_000))
  }
}

extension Fault {
  /// What it touches: two faults of one subject at once make no sense.
  fileprivate var subject: String {
    switch self {
    case .killServer(let server, _), .pauseServer(let server, _): "server \(server)"
    case .killBackend(let part, _), .pauseBackend(let part, _): part.rawValue
    case .flushRedis: PrivateBackends.Part.redis.rawValue
    case .cut(let line), .halfClose(let line), .disturb(let line, _, _): line.description
    case .answerForIndex: "index"
    }
  }
}
