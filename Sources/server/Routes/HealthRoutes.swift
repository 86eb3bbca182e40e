import ChatRooms
import Drivers

/// `/healthz`, `/readyz`, `/metrics`: for load balancers and Prometheus, without names or tokens.
struct HealthRoutes: Sendable {
  var metrics: Metrics
  var phase: ServerPhase
  var monitor: HealthMonitor

  func add(to router: inout Router) {
    let alive = HTTPResponse.json { $0.member("status", "ok") }
    router.on("GET", "/healthz", immediate: { _ in .response(alive) }, { _ in .response(alive) })
    router.on("GET", "/readyz") { .response(readiness($0.request)) }
    router.on("GET", "/metrics") { _ in
      let headers = [(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")]
      return .response(HTTPResponse(headers: headers, body: Array(metrics.text.utf8)))
    }
  }

  /// Milliseconds after which whoever was told 503 may ask again: a start takes about as long.
  private static let retryAfter = 1_000

  /// 503 only while starting, draining, or before an essential back end was first reached: a server that works with
  /// less is better than none.
  private func readiness(_ request: HTTPRequest) -> HTTPResponse {
    let reports = monitor.reports
    let write: (String, inout JSONWriter) -> Void = { status, writer in
      writer.member("status", status)
      writer.key("backends")
      writer.object {
        for report in reports { $0.member(report.name, report.isUp ? "ok" : "down") }
      }
    }
    if let (status, error) = hindrance(reports) {
      return .error(error, requestID: request.id) { write(status, &$0) }
    }
    return .json { write(reports.allSatisfy(\.isUp) ? "ok" : "degraded", &$0) }
  }

  /// Why no clients are to be sent here.
  private func hindrance(_ reports: [HealthMonitor.Report]) -> (status: String, error: ChatError)? {
    let current = phase.current
    let isReached = reports.allSatisfy { !$0.isEssential || $0.wasReached }
    if current == .draining { return (current.rawValue, .draining) }
    guard current == .starting || !isReached else { return nil }
    let error = ChatError(503, "unavailable", "This server is starting.", retryAfter: Self.retryAfter)
    return (ServerPhase.Phase.starting.rawValue, error)
  }
}
