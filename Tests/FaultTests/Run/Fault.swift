import Foundation
import TestSupport

/// A line between two parts of the stack.
enum Line: Sendable, Equatable, CustomStringConvertible {
  case clients(server: Int)
  case database(server: Int)
  case redis(server: Int)

  var description: String {
    switch self {
    case .clients(let server): "clients of server \(server)"
    case .database(let server): "server \(server) to MariaDB"
    case .redis(let server): "server \(server) to Redis"
    }
  }
}

/// Something that goes wrong. Times are milliseconds.
enum Fault: Sendable, Equatable {
  case killServer(Int, down: Int)
  /// SIGTERM, as in an upgrade.
  case drainServer(Int, down: Int)
  /// Every process that indexes, at one moment.
  case killIndexing(down: Int)
  /// Somebody else holds the lanes' rows.
  case lockLanes(time: Int)
  /// Somebody else locks rooms, then lanes: the other way round than writers do.
  case deadlock
  case pauseServer(Int, time: Int)
  case killBackend(PrivateBackends.Part, down: Int)
  case pauseBackend(PrivateBackends.Part, time: Int)
  case flushRedis
  case cut(Line)
  case halfClose(Line)
  case disturb(Line, LinkState, time: Int)
  case answerForIndex(server: Int?, IndexAnswer, time: Int)
}

extension Fault: CustomStringConvertible {
  var description: String {
    switch self {
    case .killServer(let server, let down): "kill -9 of server \(server), \(down) ms down"
    case .drainServer(let server, let down): "SIGTERM to server \(server), \(down) ms down"
    case .killIndexing(let down): "kill -9 of all that index, \(down) ms down"
    case .lockLanes(let time): "lanes locked for \(time) ms"
    case .deadlock: "rooms and lanes locked the wrong way round"
    case .pauseServer(let server, let time): "server \(server) stopped for \(time) ms"
    case .killBackend(let part, let down): "kill -9 of \(part), \(down) ms down"
    case .pauseBackend(let part, let time): "\(part) stopped for \(time) ms"
    case .flushRedis: "Redis flushed"
    case .cut(let line): "cut: \(line)"
    case .halfClose(let line): "half closed: \(line)"
    case .disturb(let line, let state, let time): "\(line) \(state) for \(time) ms"
    case .answerForIndex(let server, let answer, let time):
      "Elasticsearch \(answer) for \(server.map { "server \($0)" } ?? "all") for \(time) ms"
    }
  }
}

extension FaultyStack {
  /// Does it, waits for as long as it lasts, undoes it.
  func suffer(_ fault: Fault, clock: RunClock) throws {
    switch fault {
    case .killServer(let server, let down):
      kill(server)
      clock.wait(down)
      try start(server)
    case .drainServer(let server, let down):
      guard drain(server) == 0 else { throw TestSupportError("server \(server) did not drain in time") }
      clock.wait(down)
      try start(server)
    case .killIndexing(let down):
      let killed = indexing
      for server in killed { kill(server) }
      clock.wait(down)
      for server in killed { try start(server) }
    case .lockLanes, .deadlock: rival(fault)
    case .pauseServer(let server, let time):
      let process = self.server(server).process
      process?.signal(SIGSTOP)
      clock.wait(time)
      process?.signal(SIGCONT)
    case .killBackend(let part, let down):
      try backends.kill(part)
      clock.wait(down)
      try backends.start(part)
    case .pauseBackend(let part, let time):
      try backends.pause(part)
      clock.wait(time)
      try backends.resume(part)
    case .flushRedis: try backends.flushRedis()
    case .cut(let line): proxy(of: line).cut()
    case .halfClose(let line): proxy(of: line).halfClose()
    case .disturb(let line, let state, let time):
      proxy(of: line).state = state
      clock.wait(time)
      proxy(of: line).state = .open
    case .answerForIndex(let server, let answer, let time):
      let all = server.map { [$0] } ?? Array(0..<processCount)
      for server in all { self.server(server).elasticsearch.answer = answer }
      clock.wait(time)
      for server in all { self.server(server).elasticsearch.answer = .honest }
    }
  }

  /// A transaction of somebody else's. It may end as the victim of a deadlock.
  private func rival(_ fault: Fault) {
    let statements =
      if case .lockLanes(let time) = fault {
        ["SELECT COUNT(*) FROM (SELECT lane FROM journal_lanes FOR UPDATE) l", "DO SLEEP(\(Double(time) / 1_000))"]
      } else {
        (0..<4).flatMap { _ in
          [
            "SELECT COUNT(*) FROM (SELECT room_id FROM room_positions FOR UPDATE) r", "DO SLEEP(0.2)",
            "SELECT COUNT(*) FROM (SELECT lane FROM journal_lanes FOR UPDATE) l", "COMMIT", "BEGIN",
          ]
        }
      }
    _ = try? backends.mariadb((["BEGIN"] + statements + ["COMMIT"]).joined(separator: "; "))
  }

  private func proxy(of line: Line) -> FaultProxy {
    switch line {
    case .clients(let server): self.server(server).clients
    case .database(let server): self.server(server).database
    case .redis(let server): self.server(server).redis
    }
  }
}
