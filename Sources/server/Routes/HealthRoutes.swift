import Drivers

/// `/healthz`, `/readyz`, `/metrics`: for load balancers and Prometheus, without names or tokens.
struct HealthRoutes: Sendable {
  var metrics: Metrics
  var phase: ServerPhase
  var monitor: HealthMonitor

  func add(to router: inout Router) {
    let alive = HTTPResponse.json { $0.member("status", "ok") }
    router.on("GET", "/healthz", immediate: { _ in .response(alive) }, { _ in .response(alive) })
    router.on("GET", "/readyz") { _ in .response(readiness) }
    router.on("GET", "/metrics") { _ in
      let headers = [(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")]
      return .response(HTTPResponse(headers: headers, body: Array(metrics.text.utf8)))
    }
  }

  /// 503 only while starting, draining, or before an essential back end was first reached: a server that works with
  /// less is better than none.
  private var readiness: HTTPResponse {
    let reports = monitor.reports
    let current = phase.current
    let isReached = reports.allSatisfy { !$0.isEssential || $0.wasReached }
    let status =
      switch current {
      case .starting, .draining: current.rawValue
      case .serving: !isReached ? "starting" : reports.allSatisfy(\.isUp) ? "ok" : "degraded"
      }
    return .json(current == .serving && isReached ? 200 : 503) { writer in
      writer.member("status", status)
      writer.key("backends")
      writer.object {
        for report in reports { $0.member(report.name, report.isUp ? "ok" : "down") }
      }
    }
  }
}
