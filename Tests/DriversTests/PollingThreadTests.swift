import FakeHTTPServer
import Foundation
import RedisTesting
import Testing

@testable import Drivers

@Suite(.timeLimit(.minutes(1))) struct PollingThreadTests {
  /// Has turns while it is owed some, and notes them.
  private final class Chore: PolledWork, @unchecked Sendable {
    var owed = 0
    var turns = 0
    var signs = 0
    var hasEnded = false
    var after: () -> Void = {}

    var due: Int64 { owed > 0 ? .min : .max }
    func ready(_ descriptor: Int32, _ event: Poller.Event) { signs += 1 }
    func turn() {
      owed -= 1
      turns += 1
      after()
    }
    func end() { hasEnded = true }
  }

  @Test func whatIsHandedOverIsDoneInOrderAndNothingAfterTheEnd() throws {
    let thread = try #require(PollingThread(name: "test"))
    let done = Collected<Int>()
    for number in 0..<100 { #expect(thread.perform { done.append(number) }) }
    thread.stop()
    #expect(done.all == Array(0..<100))
    #expect(!thread.perform { done.append(100) })
    thread.stop()
    #expect(done.all.count == 100)
  }

  @Test func aThreadKnowsItself() throws {
    let thread = try #require(PollingThread(name: "test"))
    let seen = Collected<Bool>()
    thread.perform { seen.append(PollingThread.current === thread) }
    thread.stop()
    #expect(seen.all == [true])
    #expect(PollingThread.current == nil)
  }

  /// One that comes first in the round gives work to the next, and the other way round: nothing has to become ready.
  @Test func whatOneAsksOfAnotherIsDoneAtOnce() throws {
    let thread = try #require(PollingThread(name: "test"))
    let (first, second) = (Chore(), Chore())
    let finished = DispatchSemaphore(value: 0)
    thread.perform {
      thread.add(first)
      thread.add(second)
      first.after = { if second.turns < 20 { second.owed += 1 } else { finished.signal() } }
      second.after = { first.owed += 1 }
      first.owed = 1
    }
    #expect(finished.wait(timeout: .now() + 10) == .success)
    thread.stop()
    #expect(first.turns == 21 && second.turns == 20)
    #expect(first.hasEnded && second.hasEnded)
  }

  @Test func aDescriptorThatWasTakenOffIsNotReported() throws {
    let thread = try #require(PollingThread(name: "test"))
    let mailbox = try #require(Mailbox<Int>())
    let chore = Chore()
    thread.perform {
      thread.add(chore)
      thread.watch(mailbox.descriptor, Poller.Interest(reading: true, writing: false), for: chore)
    }
    mailbox.post(1)
    while thread.reading({ chore.signs }) == 0 {}
    thread.perform { thread.unwatch(mailbox.descriptor) }
    let before = thread.reading { chore.signs }
    usleep(20_000)
    #expect(thread.reading { chore.signs } == before)
    thread.stop()
  }

  @Test func aRequestOfAThreadThatWasJoinedStaysThere() throws {
    let server = try FakeHTTPServer { .reply(200, $0.line) }
    let client = HTTPClient()
    let thread = try #require(PollingThread(name: "test"))
    defer {
      thread.stop()
      client.close()
      server.stop()
    }
    client.join(thread)
    let origin = server.origin
    let replies = Collected<Bool>()
    let finished = DispatchSemaphore(value: 0)
    thread.perform {
      for number in 0..<50 {
        client.begin(HTTPRequest(.get, "\(origin)/\(number)")).result.whenGiven { result in
          let isRight = (try? result.get())?.body == Array("GET /\(number) HTTP/1.1".utf8)
          replies.append(isRight && PollingThread.current === thread)
          if replies.all.count == 50 { finished.signal() }
        }
      }
    }
    #expect(finished.wait(timeout: .now() + 30) == .success)
    #expect(replies.all == Array(repeating: true, count: 50))
  }

  @Test func itsEndEndsTheRequestsThatItHad() throws {
    let server = try FakeHTTPServer { _ in .silence }
    let client = HTTPClient()
    let thread = try #require(PollingThread(name: "test"))
    client.join(thread)
    let origin = server.origin
    let kinds = Collected<HTTPError.Kind?>()
    thread.perform {
      client.begin(HTTPRequest(.get, origin)).result.whenGiven { result in
        if case .failure(let error) = result { kinds.append(error.kind) } else { kinds.append(nil) }
      }
    }
    while server.requests.isEmpty { usleep(1_000) }
    thread.stop()
    #expect(kinds.all == [.closed])
    client.close()
    server.stop()
  }
}

extension PollingThread {
  /// Reads something on the thread.
  fileprivate func reading(_ read: @escaping @Sendable () -> Int) -> Int {
    let value = Collected<Int>()
    let done = DispatchSemaphore(value: 0)
    perform {
      value.append(read())
      done.signal()
    }
    done.wait()
    return value.all.reduce(0, +)
  }
}
