import Drivers

/// Counts and times of requests by route.
struct RouteMetrics: Sendable {
  struct Route: Sendable {
    fileprivate var seconds: Histogram
    /// By the status' first digit.
    fileprivate var counts: [Int: Counter]

    func observe(status: Int, duration: Duration) {
      let (seconds, attoseconds) = duration.components
      self.seconds.observe(Double(seconds) + Double(attoseconds) * 1e-18)
      counts[status / 100]?.add()
    }
  }

  private let metrics: Metrics
  /// Requests that met no route.
  let other: Route

  init(_ metrics: Metrics) {
    self.metrics = metrics
    other = Self.route(in: metrics, "other", "none")
  }

  func route(_ method: String, _ pattern: String) -> Route { Self.route(in: metrics, method, pattern) }

  private static func route(in metrics: Metrics, _ method: String, _ pattern: String) -> Route {
    let counts = [1, 2, 3, 4, 5].map { digit in
      let labels: KeyValuePairs = ["method": method, "route": pattern, "status": "\(digit)xx"]
      return (digit, metrics.counter("palaver_http_requests_total", "Answered HTTP requests.", labels))
    }
    return Route(
      seconds: metrics.histogram(
        "palaver_http_request_seconds", "Time from a whole request to its reply.",
        ["method": method, "route": pattern]),
      counts: Dictionary(uniqueKeysWithValues: counts))
  }
}
