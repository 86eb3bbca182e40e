import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// The load generator against a real server: each workload runs, finds nothing wrong, and says so in JSON.
  @Suite struct BenchTests {
    private static let workloads: [[String]] = [
      ["send", "--rate", "50"], ["send", "--rate", "0", "--clients", "4", "--window", "5"],
      ["fanout", "--clients", "20", "--rate", "20"],
      ["fanout", "--clients", "12", "--rooms", "12", "--rooms-per-socket", "3", "--rate", "60"],
      ["history", "--messages", "120", "--rooms", "2"],
      ["search", "--messages", "60", "--rooms", "2", "--rate", "20"], ["storm", "--clients", "40"],
      ["storm", "--clients", "40", "--messages", "30", "--resume"], ["idle", "--clients", "40"], ["lag"],
      ["mixed", "--clients", "10", "--rooms", "2", "--messages", "60", "--rate", "60"],
    ]

    private func bench(_ arguments: [String], port: Int) throws -> (status: Int32, report: JSONValue, errors: String) {
      let result = try PalaverProcess.run(
        ["bench"] + arguments + ["--json", "--url", "http://127.0.0.1:\(port)"], within: .seconds(180))
      let report = try result.output.last.map { try JSONValue(parsing: $0) } ?? .null
      return (result.status, report, result.errors)
    }

    @Test(arguments: workloads) func eachWorkloadMeasuresAndFindsNothingWrong(arguments: [String]) throws {
      let server = try Servers.shared(.embedded)
      let (status, report, errors) = try bench(
        arguments + ["--seconds", "1", "--warm-up", "0.2"], port: server.port())
      #expect(status == 0, "\(report.compact) \(errors)")
      #expect(report["workload"]?.string == arguments.first)
      #expect(report["ok"]?.boolean == true)
      #expect(report["breaches"]?.object?.members.isEmpty == true)
      let measures = try found(report["measures"]?.array, report.compact)
      for measure in measures {
        #expect(measure["count"]?.integer ?? 0 > 0, "\(measure.compact)")
        #expect(measure["p50_ms"]?.number ?? -1 >= 0)
        #expect(measure["max_ms"]?.number ?? -1 >= measure["p50_ms"]?.number ?? 0)
      }
    }

    @Test(arguments: [
      ("lost", MeddlingProxy.Fault.losesMessage, "fanout"), ("doubled", .doublesMessage, "fanout"),
      ("reordered", .swapsMessages, "fanout"), ("foreign_ack", .doublesAck, "send"),
      ("wrong_page", .wrongPage, "history"),
    ])
    func aBrokenPromiseIsNamedAndEndsTheRunWithStatusOne(
      name: String, fault: MeddlingProxy.Fault, workload: String
    ) throws {
      let proxy = try MeddlingProxy(upstream: try Servers.shared(.embedded).port(), fault: fault)
      defer { proxy.stop() }
      let (status, report, errors) = try bench(
        [workload, "--clients", "3", "--rooms", "1", "--rate", "60", "--seconds", "1", "--warm-up", "0"]
          + (workload == "history" ? ["--messages", "60"] : []), port: proxy.port)
      #expect(status == 1, "\(report.compact) \(errors)")
      #expect(report["ok"]?.boolean == false)
      #expect(report["breaches"]?[name]?.integer ?? 0 > 0, "\(report.compact)")
      #expect(report["first_breaches"]?.array?.isEmpty == false)
    }

    @Test func itsRoomsAreGoneAfterwards() throws {
      let server = try Servers.shared(.embedded)
      let before = try server.http().get("/v1/chatrooms")["ids"]
      let run = try bench(["fanout", "--clients", "3", "--seconds", "0.5", "--warm-up", "0"], port: server.port())
      #expect(run.status == 0)
      #expect(try server.http().get("/v1/chatrooms")["ids"] == before)
    }

    @Test func aServerThatIsNotThereIsOneLineAndStatusOne() throws {
      let socket = try ListeningSocket()
      let port = socket.port
      socket.stop()
      let run = try bench(["send", "--seconds", "1"], port: port)
      #expect(run.status == 1)
      #expect(run.errors.contains("cannot be reached"))
    }
  }
}
