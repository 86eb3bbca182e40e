import Drivers
import Foundation
import TestSupport
import Testing

extension StackTests.OutageTests {
  /// What a search says of itself is true at all times: whatever has a time up to its `fresh_as_of` is in it, also what
  /// was acknowledged only later; while Elasticsearch is slow, refuses, errs or is silent, an indexer is dead, or the
  /// database stands still in the middle of commits.
  @Test func whatASearchSaysOfItsFreshnessIsTrueUnderEveryFault() async throws {
    try await SharedStack.use { stack in
      try stack.makeUser("ann")
      let chat = FreshnessRun(stack: stack, room: try stack.makeRoom())
      let workers = [
        WorkerThread(name: "sender-0") { chat.send(through: 0) },
        WorkerThread(name: "sender-1") { chat.send(through: 1) },
        WorkerThread(name: "search-0") { chat.search(through: 0) },
        WorkerThread(name: "search-1") { chat.search(through: 1) },
      ]
      let faults = Result { try chat.playFaults() }
      try stack.heal()
      try stack.waitUntilHealthy()
      let healed = Milliseconds(Date().timeIntervalSince1970 * 1_000)
      let caughtUp = Result {
        try stack.wait("a search that says it has everything", seconds: 40) { chat.newestFreshness > healed }
      }
      chat.stop()
      for worker in workers { worker.join() }
      try faults.get()
      try caughtUp.get()
      let judgement = chat.judge()
      #expect(judgement.breaches.isEmpty, "\(judgement.breaches.prefix(3))")
      #expect(judgement.promises > 500, "\(judgement)")
    }
  }
}

private typealias Milliseconds = Int64

/// Senders and searchers, and what they were told.
private final class FreshnessRun: @unchecked Sendable {
  struct Sent {
    var seq: Int64
    var timestamp: Milliseconds
    /// When its text became another, in which the word is no more.
    var editedAt: Milliseconds?
  }

  struct Found {
    var freshAsOf: Milliseconds
    var hits: [Int64: Milliseconds]
  }

  struct Judgement {
    /// Messages that searches had promised to reflect.
    var promises = 0
    var breaches: [String] = []
  }

  private static let page = 100
  private let stack: FaultyStack
  private let room: Int64
  private let lock = NSLock()
  private var sent: [Int64: Sent] = [:]
  private var found: [Found] = []
  private var isStopped = false

  init(stack: FaultyStack, room: Int64) {
    self.stack = stack
    self.room = room
  }

  func stop() { lock.withLock { isStopped = true } }
  private var isOn: Bool { lock.withLock { !isStopped } }
  var newestFreshness: Milliseconds { lock.withLock { found.map(\.freshAsOf).max() ?? 0 } }

  /// What is not acknowledged is sent again with its `ref`, so that it is known in the end.
  func send(through server: Int) {
    var number = 0
    while isOn {
      number += 1
      let ref = "fresh-\(server)-\(number)"
      while isOn {
        guard let reply = try? stack.send("freshword \(ref)", ref: ref, to: room, server: server),
          [200, 201].contains(reply.status), let seq = reply["seq"]?.integer,
          let timestamp = reply["timestamp"]?.integer
        else { continue }
        lock.withLock { sent[seq] = Sent(seq: seq, timestamp: timestamp) }
        if number % 7 == 0 { edit(seq, through: server) }
        break
      }
    }
  }

  private func edit(_ seq: Int64, through server: Int) {
    let body = Array(#"{"text": "something else"}"#.utf8)
    // Before it is known to be edited, it may be found or not.
    lock.withLock { sent[seq]?.editedAt = 0 }
    let path = "/v1/chatrooms/\(room)/messages/\(seq)?user=ann"
    guard let reply = try? stack.http(server).request("PATCH", path, body: body), reply.status == 200,
      let time = reply["edited_at"]?.integer
    else { return }
    lock.withLock { sent[seq]?.editedAt = time }
  }

  func search(through server: Int) {
    while isOn {
      let path = "/v1/search?q=freshword&room=\(room)&sort=recent&limit=\(Self.page)"
      guard let reply = try? stack.http(server).get(path), reply.status == 200 else { continue }
      let hits = reply["hits"]?.array?.compactMap { hit -> (Int64, Milliseconds)? in
        guard let seq = hit["message"]?["seq"]?.integer, let time = hit["message"]?["timestamp"]?.integer else {
          return nil
        }
        return (seq, time)
      }
      guard let fresh = reply["fresh_as_of"]?.integer, let hits else { continue }
      lock.withLock { found.append(Found(freshAsOf: fresh, hits: Dictionary(hits) { $1 })) }
    }
  }

  func playFaults() throws {
    for answer in [IndexAnswer.honest, .overloaded, .itemsOverloaded, .honest, .silent, .refusing, .doneUnanswered] {
      for server in 0..<FaultyStack.serverCount { stack.server(server).elasticsearch.answer = answer }
      wait(answer == .honest ? 1_000 : 600)
    }
    for server in 0..<FaultyStack.serverCount { stack.server(server).elasticsearch.answer = .honest }
    for _ in 0..<4 {
      try stack.backends.pause(.mariadb)
      wait(250)
      try stack.backends.resume(.mariadb)
      wait(150)
    }
    // Its lanes' indexer is dead until their leases end.
    stack.kill(0)
    wait(1_500)
  }

  private func wait(_ milliseconds: Int) { _ = RunClock().wait(upTo: milliseconds) { false } }

  /// Every message with a time up to a search's `fresh_as_of` is in it, or lies behind its last hit; and those that had
  /// lost the word by then are not.
  func judge() -> Judgement {
    lock.withLock {
      var judgement = Judgement()
      for search in found where search.freshAsOf > 0 {
        let end = search.hits.count < Self.page ? .min : search.hits.values.min() ?? .min
        for message in sent.values where message.timestamp <= search.freshAsOf && message.timestamp > end {
          let isThere = search.hits[message.seq] != nil
          judgement.promises += 1
          if message.editedAt == nil, !isThere {
            judgement.breaches.append("\(message) is missing as of \(search.freshAsOf)")
          }
          if let editedAt = message.editedAt, editedAt > 0, editedAt <= search.freshAsOf, isThere {
            judgement.breaches.append("\(message) is found by its old text as of \(search.freshAsOf)")
          }
        }
      }
      return judgement
    }
  }
}
