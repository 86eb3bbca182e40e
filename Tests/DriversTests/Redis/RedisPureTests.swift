import Testing

@testable import Drivers

@Suite struct RedisURLTests {
  @Test func partsHaveDefaults() throws {
    #expect(try RedisURL("redis://cache") == RedisURL(host: "cache"))
    #expect(try RedisURL("redis://cache:7000/3") == RedisURL(host: "cache", port: 7_000, database: 3))
    #expect(try RedisURL("redis://[::1]:7000/") == RedisURL(host: "::1", port: 7_000))
    #expect(try RedisURL("redis://:p%40ss@cache") == RedisURL(host: "cache", password: "p@ss"))
    #expect(try RedisURL("redis://ann:p@ss:w@cache") == RedisURL(host: "cache", user: "ann", password: "p@ss:w"))
  }

  @Test(arguments: [
    "", "cache", "http://cache", "rediss://cache", "redis://", "redis://:1", "redis://cache:x", "redis://cache:0",
    "redis://cache:70000", "redis://cache/x", "redis://cache/-1", "redis://secret@cache", "redis://:@cache",
    "redis://a b",
    "redis://cache/1/2", "redis://:secret@cache:x", "secret@cache", "redis://u:secret@",
  ])
  func whatIsNoURLIsRefusedWithoutShowingItsPassword(text: String) {
    let error = #expect(throws: RedisURLError.self) { try RedisURL(text) }
    #expect(error?.description.contains("secret") == false)
  }

  @Test func thePasswordIsNotPrinted() throws {
    #expect(try "\(RedisURL("redis://ann:secret@[::1]/2"))" == "redis://ann:***@[::1]:6379/2")
  }
}

@Suite struct RedisPipelineTests {
  private final class Outcomes: @unchecked Sendable {
    var results: [Result<RedisReply, RedisError>] = []
  }

  private func entry(_ outcomes: Outcomes, deadline: Int64) -> RedisPipeline.Entry {
    RedisPipeline.Entry(completion: { outcomes.results.append($0) }, sentAt: 0, deadline: deadline)
  }

  @Test func anExpiredCommandStillTakesItsReply() {
    var pipeline = RedisPipeline()
    let (slow, patient) = (Outcomes(), Outcomes())
    pipeline.append([entry(slow, deadline: 10), entry(patient, deadline: 20)])
    #expect(pipeline.takeExpired(at: 9).isEmpty)
    for completion in pipeline.takeExpired(at: 10) { completion(.failure(.timeout)) }
    #expect(slow.results == [.failure(.timeout)])
    #expect(pipeline.nextDeadline == 20)
    pipeline.takeFirst()?.completion?(.success(.integer(1)))
    pipeline.takeFirst()?.completion?(.success(.integer(2)))
    #expect(slow.results.count == 1)
    #expect(patient.results == [.success(.integer(2))])
    #expect(pipeline.takeFirst() == nil)
  }

  @Test func repliesComeInOrderThroughManyCommands() {
    var pipeline = RedisPipeline()
    let outcomes = Outcomes()
    var expected: [Result<RedisReply, RedisError>] = []
    for number in 0..<5_000 {
      pipeline.append([entry(outcomes, deadline: 1), entry(outcomes, deadline: 1)])
      pipeline.takeFirst()?.completion?(.success(.integer(Int64(number))))
      expected.append(.success(.integer(Int64(number))))
    }
    #expect(pipeline.count == 5_000)
    #expect(outcomes.results == expected)
    #expect(pipeline.takeAll().count == 5_000)
    #expect(pipeline.count == 0)
  }
}

@Suite struct RedisCommandEncoderTests {
  @Test func argumentsAreCountedInBytes() {
    var bytes: [UInt8] = []
    RedisCommandEncoder.append(["SET", "é", .bytes([0x0D, 0x0A]), .integer(-1)], to: &bytes)
    #expect(bytes == Array("*4\r\n$3\r\nSET\r\n$2\r\né\r\n$2\r\n\r\n\r\n$2\r\n-1\r\n".utf8))
  }

  @Test func delaysGrowToASecond() {
    var delay = ReconnectDelay()
    let delays = (0..<20).map { _ in delay.next() }
    #expect(delays[0] <= ReconnectDelay.shortest)
    #expect(delays.allSatisfy { $0 > 0 && $0 <= ReconnectDelay.longest })
    #expect((delays.last ?? 0) >= ReconnectDelay.longest / 2)
  }
}

extension RedisPipeline.Entry: Equatable {
  public static func == (left: Self, right: Self) -> Bool { left.sentAt == right.sentAt }
}
