import Drivers
import Foundation
import TestSupport
import Testing

/// What is acknowledged by one server is in everyone's next search within a second (p99), while others send, on every
/// profile that there is. Runs only where `PALAVER_MEASURE` is set; give the binary that is to be measured:
///
///     PALAVER_TEST_BINARY=.build/release/palaver PALAVER_MEASURE=1 scripts/test-stack --filter SearchLagMeasurement
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil))
struct SearchLagMeasurement {
  /// Milliseconds, of 100 that were acknowledged 99.
  private static let bound = 1_000.0
  private static let seconds = 15

  @Test(arguments: Profile.available) func foundByEveryoneWithinASecondUnderLoad(profile: Profile) async throws {
    try await onOwnThread {
      let installation = try Installation(profile, flags: ["--auth", "open", "--send-rate", "1000000"])
      defer { installation.remove() }
      let ports = (0..<(profile == .stack ? 2 : 1)).map { installation.port($0) }
      let hasEnded = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        _ = try? Self.bench(["send", "--rate", "1000"], port: ports[0], seconds: Self.seconds + 4)
        hasEnded.signal()
      }
      defer { hasEnded.wait() }
      let report = try Self.bench(["lag", "--rate", "20"], port: ports[ports.count - 1], seconds: Self.seconds)
      let found = try #require(report["measures"]?.array?.first { $0["name"]?.string == "ack to found" })
      print(profile, "acknowledged until found by others, ms:", found.compact)
      #expect(report["breaches"]?.object?.members.isEmpty == true, "\(report.compact)")
      #expect(found["count"]?.integer ?? 0 > 0)
      #expect(found["p99_ms"]?.number ?? .infinity < Self.bound, "\(found.compact)")
    }
  }

  private static func bench(_ arguments: [String], port: Int, seconds: Int) throws -> JSONValue {
    let result = try PalaverProcess.run(
      ["bench"] + arguments + ["--json", "--seconds", "\(seconds)", "--url", "http://127.0.0.1:\(port)"],
      within: .seconds(120))
    return try result.output.last.map { try JSONValue(parsing: $0) } ?? .null
  }
}
