import Testing

@testable import server

@Suite struct TimerWheelTests {
  @Test func firesNeitherEarlyNorMoreThanATickLate() {
    var wheel = TimerWheel(now: 1_000)
    var fired: [UInt64: Int64] = [:]
    for token in UInt64(1)...100 { _ = wheel.schedule(token, at: 1_000 + Int64(token) * 97) }
    for time in stride(from: Int64(1_000), through: 12_000, by: 10) {
      for due in wheel.advance(to: time) { fired[due.token] = time }
    }
    #expect(fired.count == 100)
    for (token, time) in fired {
      #expect((0...TimerWheel.tick + 10).contains(time - 1_000 - Int64(token) * 97))
    }
    #expect(wheel.count == 0)
  }

  @Test func takesDeadlinesBeyondItsSpanAndThePast() {
    var wheel = TimerWheel(now: 0)
    let far = wheel.schedule(1, at: .max)
    let past = wheel.schedule(2, at: -5_000)
    #expect(wheel.advance(to: 250).map(\.token) == [2])
    #expect(past == 1)
    #expect(wheel.advance(to: 70_000).map(\.token) == [1])
    #expect(far == 255)
  }

  @Test func catchesUpAfterALongPause() {
    var wheel = TimerWheel(now: 0)
    for token in UInt64(0)..<200 { _ = wheel.schedule(token, at: Int64(token) * 300) }
    #expect(wheel.advance(to: 10_000_000).count == 200)
  }

  @Test func sleepsForEverWhereNothingIsSet() {
    var wheel = TimerWheel(now: 0)
    #expect(wheel.timeout(at: 0) == -1)
    _ = wheel.schedule(1, at: 10_000)
    #expect(wheel.timeout(at: 100) == 150)
  }
}
