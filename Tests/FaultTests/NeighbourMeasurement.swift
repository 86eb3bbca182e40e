import Drivers
import Foundation
import TestSupport
import Testing

/// What a room of 5,000 and a flooding sender cost a thousand small rooms beside them: how much later the slowest
/// hundredth of their deliveries comes than beside nobody. Runs only where `PALAVER_MEASURE` is set; give the optimized
/// executable in `PALAVER_TEST_BINARY`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil))
struct NeighbourMeasurement {
  private static let neighbours = [
    "fanout", "--clients", "1000", "--rooms", "1000", "--rooms-per-socket", "2", "--rate", "200", "--seconds", "8",
  ]
  private static let disturbances: [(name: String, load: [String])] = [
    ("a room of 5,000, 20 messages a second", ["fanout", "--clients", "5000", "--rate", "20", "--seconds", "30"]),
    ("a sender that floods", ["send", "--clients", "1", "--rooms", "1", "--rate", "0", "--seconds", "30"]),
  ]

  @Test(arguments: Profile.available) func slowestDeliveriesBesideAHotRoomAndAFlood(profile: Profile) async throws {
    let installation = try Installation(profile)
    defer { installation.remove() }
    let quiet = try await onOwnThread { try Self.bench(Self.neighbours, installation) }
    for (name, load) in Self.disturbances {
      async let disturbing = onOwnThread { try Self.bench(load, installation) }
      let disturbed = try await onOwnThread { try Self.bench(Self.neighbours, installation) }
      _ = try await disturbing
      let ratio = String(format: "%.2f", disturbed / quiet)
      print("\(profile), beside \(name): p99 \(disturbed) ms, beside nobody \(quiet) ms; ratio \(ratio)")
    }
  }

  /// The p99 of the deliveries, or of the acknowledgements where there are none, in milliseconds.
  private static func bench(_ load: [String], _ installation: Installation) throws -> Double {
    let arguments = ["bench"] + load + ["--json", "--url", "http://127.0.0.1:\(installation.port())"]
    let result = try PalaverProcess.run(arguments, within: .seconds(300))
    guard result.status == 0, let line = result.output.last, let report = try? JSONValue(parsing: line),
      let p99 = report["measures"]?.array?.last?["p99_ms"]?.number
    else { throw TestSupportError("no report: \(result.output) \(result.errors.suffix(500))") }
    return p99
  }
}
