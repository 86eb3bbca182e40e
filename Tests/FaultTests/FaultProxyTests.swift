import Drivers
import TestSupport
import Testing

@Suite struct FaultProxyTests {
  /// Answers each connection's bytes with the same.
  private func echo() throws -> ListeningSocket {
    let listener = try ListeningSocket()
    _ = WorkerThread(name: "echo") {
      while let socket = listener.accept() {
        while let bytes = try? socket.receive(until: .now + .seconds(10)) { try? socket.send(bytes) }
      }
    }
    return listener
  }

  private func soon(_ milliseconds: Int = 3_000) -> ContinuousClock.Instant { .now + .milliseconds(milliseconds) }

  @Test func bytesPassBothWays() async throws {
    try await onOwnThread {
      let behind = try echo()
      let proxy = try FaultProxy(upstream: behind.port)
      defer { proxy.stop() }
      let socket = try Socket(port: proxy.port)
      try socket.send(Array("hello".utf8))
      #expect(try socket.receive(until: soon()) == Array("hello".utf8))
    }
  }

  @Test func aCutEndsConnectionsAndLetsNewOnesIn() async throws {
    try await onOwnThread {
      let behind = try echo()
      let proxy = try FaultProxy(upstream: behind.port)
      defer { proxy.stop() }
      let socket = try Socket(port: proxy.port)
      try socket.send([1])
      _ = try socket.receive(until: soon())
      proxy.cut()
      #expect(try socket.receive(until: soon()) == nil)
      let next = try Socket(port: proxy.port)
      try next.send([2])
      #expect(try next.receive(until: soon()) == [2])
    }
  }

  @Test func silenceHoldsBytesBackUntilItEnds() async throws {
    try await onOwnThread {
      let behind = try echo()
      let proxy = try FaultProxy(upstream: behind.port)
      defer { proxy.stop() }
      let socket = try Socket(port: proxy.port)
      proxy.state = .silent
      try socket.send([3])
      #expect(!socket.waitForInput(until: soon(200)))
      proxy.state = .open
      #expect(try socket.receive(until: soon()) == [3])
    }
  }

  @Test func refusingEndsWhatThereIsAndWhatComes() async throws {
    try await onOwnThread {
      let behind = try echo()
      let proxy = try FaultProxy(upstream: behind.port)
      defer { proxy.stop() }
      let socket = try Socket(port: proxy.port)
      proxy.state = .refusing
      #expect(try socket.receive(until: soon()) == nil)
      let next = try Socket(port: proxy.port)
      #expect(try next.receive(until: soon()) == nil)
    }
  }
}
