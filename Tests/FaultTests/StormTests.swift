import Drivers
import Foundation
import TestSupport
import Testing

extension StackTests {
  /// Crowds that come at once, and what they cost the index.
  ///
  /// `PALAVER_MEASURE=1 scripts/test-stack --filter 'StackTests/StormTests'` runs them at full size and prints figures.
  @Suite(.serialized) struct StormTests {
    private static let isMeasuring = ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil

    /// The servers' own ports: a proxy costs two threads a connection.
    private static func ports(_ stack: FaultyStack) -> [Int] {
      (0..<FaultyStack.serverCount).map { stack.server($0).clients.upstream }
    }

    private static func makeUsers(_ stack: FaultyStack) throws {
      for number in 0..<50 { try stack.makeUser("storm-\(number)") }
      try stack.makeUser("ann")
    }

    // MARK: A server dies

    @Test(.timeLimit(.minutes(10))) func whenAServerDiesItsCrowdCatchesUpOnTheOther() async throws {
      try await SharedStack.use { stack in
        let (count, roomCount) = Self.isMeasuring ? (2_000, 50) : (300, 20)
        try Self.makeUsers(stack)
        let rooms = try (0..<roomCount).map { _ in try stack.makeRoom() }
        for room in rooms { try stack.fill(room, 1...3) }
        let crowd = StormCrowd(count: count, rooms: rooms, ports: Self.ports(stack), spread: count * 2)
        defer { crowd.stop() }
        try stack.wait("all have joined", seconds: 120) { crowd.status.live == count }
        let reads = Self.reads(stack)
        let writers = Writers(stack, rooms)
        try stack.wait("writing", seconds: 20) { writers.count > 20 }

        let start = ContinuousClock.now
        stack.kill(0)
        crowd.use([Self.ports(stack)[1]])
        try stack.wait("the dead server's clients are gone", seconds: 20) { crowd.status.live < count }
        try stack.wait("all are back", seconds: 120) { crowd.status.live == count }
        let back = ContinuousClock.now - start
        writers.stop()
        let final = FinalState(stack: stack)
        crowd.follow(rooms.reduce(into: [:]) { $0[$1] = final.lastEvent(of: $1) })
        try stack.wait("all are caught up", seconds: 60) { crowd.status.caughtUp == count }
        let caughtUp = ContinuousClock.now - start
        #expect(crowd.status.breaches.isEmpty, "\(crowd.status.breaches.prefix(5))")
        #expect(Self.reads(stack) - reads <= roomCount)
        if Self.isMeasuring {
          print(
            "kill -9 with \(count) clients in \(roomCount) rooms: \(crowd.status.joins - count) joins again, "
              + "all live after \(back), caught up after \(caughtUp); \(Self.reads(stack) - reads) reads of history, "
              + "\(crowd.status.messages) messages delivered, none lost or doubled")
        }
      }
    }

    private static func reads(_ stack: FaultyStack) -> Int { stack.count(of: "_search") + stack.count(of: "_mget") }

    /// Some who write all the time, at the server that stays.
    private final class Writers: @unchecked Sendable {
      private let lock = NSLock()
      private var sent = 0
      private var isOver = false
      private var threads: [WorkerThread] = []

      init(_ stack: FaultyStack, _ rooms: [Int64]) {
        threads = (0..<3).map { writer in
          WorkerThread(name: "storm-writer") { [self] in
            var number = 0
            while !lock.withLock({ isOver }) {
              number += 1
              let reply = try? stack.send(
                "during", ref: "w\(writer)-\(number)", to: rooms[number % rooms.count], server: 1)
              if reply?.status == 201 { lock.withLock { sent += 1 } }
              RunClock().wait(30)
            }
          }
        }
      }

      var count: Int { lock.withLock { sent } }

      func stop() {
        lock.withLock { isOver = true }
        for thread in threads { thread.join() }
      }
    }

    // MARK: A cold room while its history does not come

    /// Hazard 12: the reader fails or hangs, and the herd waits behind it.
    @Test(.timeLimit(.minutes(5)), arguments: [IndexAnswer.unavailable, .silent])
    func aHerdThatWaitsForAReaderInTroubleIsAnsweredAndNotLetThrough(answer: IndexAnswer) async throws {
      try await SharedStack.use { stack in
        let count = Self.isMeasuring ? 2_000 : 300
        try Self.makeUsers(stack)
        let room = try stack.makeRoom()
        try stack.fill(room, 1...30)
        try stack.trimJournal(of: room)
        try Self.chill(stack)
        let reads = Self.reads(stack)
        stack.answer(answer)
        let crowd = StormCrowd(count: count, rooms: [room], ports: Self.ports(stack), spread: 500)
        defer { crowd.stop() }
        try stack.wait("everybody is answered", seconds: 60) { crowd.status.answered == count }
        let asked = Self.reads(stack) - reads
        #expect(asked <= 30, "\(asked) reads for \(count) joins")
        let atOnce = (0..<2).map { stack.server($0).elasticsearch.mostUnderWay(of: "_search") }
        #expect(atOnce.allSatisfy { $0 <= 2 }, "\(atOnce)")
        stack.answer(.honest)
        #expect(crowd.status.breaches.isEmpty, "\(crowd.status.breaches.prefix(5))")
        if Self.isMeasuring { print("\(count) joins while Elasticsearch is \(answer): \(asked) reads") }
      }
    }

    /// Servers that know nothing and have asked nothing, and a Redis that knows nothing.
    private static func chill(_ stack: FaultyStack) throws {
      for server in 0..<FaultyStack.serverCount {
        stack.kill(server)
        try stack.start(server)
        stack.server(server).elasticsearch.forgetMost()
      }
      try stack.backends.flushRedis()
    }

    // MARK: Many cold rooms

    @Test(.timeLimit(.minutes(5))) func aThousandColdRoomsAtOnceAreReadAFewAtATime() async throws {
      try await SharedStack.use { stack in
        let count = Self.isMeasuring ? 1_000 : 300
        try Self.makeUsers(stack)
        let rooms = try Self.importRooms(count, stack)
        try Self.chill(stack)
        stack.answer(.slow)
        let start = ContinuousClock.now
        let crowd = StormCrowd(count: count, rooms: rooms, ports: Self.ports(stack), spread: 100)
        defer { crowd.stop() }
        let pages = WorkerThread(name: "pages") {
          _ = try? concurrently(40) { reader in
            for room in rooms.dropFirst(reader * 5).prefix(5) {
              _ = try stack.http(reader % 2, timeout: .seconds(60)).get(
                "/v1/chatrooms/\(room)/messages?limit=2&before=3")
            }
          }
        }
        try stack.wait("all have joined", seconds: 120) { crowd.status.live == count }
        let time = ContinuousClock.now - start
        pages.join()
        let most = (0..<2).map { stack.server($0).elasticsearch.mostUnderWay(of: "_search") }
        #expect(most.allSatisfy { $0 <= 16 }, "\(most)")
        #expect(most.contains { $0 > 1 })
        #expect(crowd.status.messages == count * 3, "\(crowd.status.messages)")
        if Self.isMeasuring {
          print("\(count) cold rooms at 200 ms a read: joined in \(time), at most \(most) at once")
        }
      }
    }

    /// Rooms of three messages each, which no journal ever held.
    private static func importRooms(_ count: Int, _ stack: FaultyStack) throws -> [Int64] {
      let stem = "cold-\(UInt32.random(in: 0 ... .max))"
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(stem).ndjson")
      defer { try? FileManager.default.removeItem(at: file) }
      let lines = (0..<count * 3).map {
        #"{"room":"\#(stem)-\#($0 % count)","user":"ann","timestamp":\#(1_700_000_000_000 + $0),"text":"line \#($0)"}"#
      }
      try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
      let result = try PalaverProcess.run(
        ["import", file.path], environment: stack.environment(0), within: .seconds(120))
      guard result.status == 0 else { throw TestSupportError("no import: \(result.errors.suffix(500))") }
      var rooms: [Int64] = []
      var after = ""
      while true {
        let reply = try stack.http(0).get("/v1/chatrooms?limit=100&q=\(stem)\(after)")
        rooms += (reply["chatrooms"]?.array ?? []).compactMap { $0["id"]?.integer }
        guard let next = reply["next"]?.string else { break }
        after = "&after=\(percentEncoded(next))"
      }
      guard rooms.count == count else { throw TestSupportError("\(rooms.count) rooms of \(count)") }
      return rooms
    }
  }
}
