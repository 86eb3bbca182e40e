import Foundation

/// Counters, gauges and histograms, written in Prometheus' text format (version 0.0.4).
///
/// A series is made once and kept by whoever counts; counting is a lock and an addition. Labels take few values: routes
/// and kinds, never ids or URLs.
public final class Metrics: @unchecked Sendable {
  private let lock = NSLock()
  private var families: [String: Family] = [:]

  private struct Family {
    var type: String
    var help: String
    var series: [(labels: String, write: (_ name: String, _ labels: String, _ output: inout String) -> Void)]
  }

  public init() {}

  public func counter(_ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:]) -> Counter {
    let counter = Counter()
    add(name, "counter", help, labels) { name, labels, output in
      output += "\(name)\(Self.braced(labels)) \(counter.value)\n"
    }
    return counter
  }

  /// - Parameter read: asked at each scrape, from any thread.
  public func gauge(
    _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
    read: @escaping @Sendable () -> Double
  ) {
    add(name, "gauge", help, labels) { name, labels, output in
      output += "\(name)\(Self.braced(labels)) \(read())\n"
    }
  }

  /// - Parameter bounds: upper bounds of the buckets, rising, in the unit that the name ends in (seconds).
  public func histogram(
    _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
    bounds: [Double] = Histogram.latencyBounds
  ) -> Histogram {
    let histogram = Histogram(bounds: bounds)
    add(name, "histogram", help, labels) { name, labels, output in
      histogram.write(name, labels, &output)
    }
    return histogram
  }

  /// The whole page.
  public var text: String {
    lock.lock()
    let families = families
    lock.unlock()
    var output = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      output += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.type)\n"
      for series in family.series { series.write(name, series.labels, &output) }
    }
    return output
  }

  private func add(
    _ name: String, _ type: String, _ help: String, _ labels: KeyValuePairs<String, String>,
    write: @escaping (String, String, inout String) -> Void
  ) {
    let labels = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    lock.lock()
    defer { lock.unlock() }
    families[name, default: Family(type: type, help: help, series: [])].series.append((labels, write))
  }

  fileprivate static func braced(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

  private static func escaped(_ value: String) -> String {
    value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      .replacingOccurrences(of: "\n", with: "\\n")
  }
}

public final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count: Int64 = 0

  public init() {}

  public func add(_ amount: Int = 1) {
    lock.lock()
    count += Int64(amount)
    lock.unlock()
  }

  public var value: Int64 {
    lock.lock()
    defer { lock.unlock() }
    return count
  }
}

/// What a gauge shows that is set now and then, by a thread that alone knows it.
public final class Level: @unchecked Sendable {
  private let lock = NSLock()
  private var level: Int64 = 0

  public init() {}

  public var value: Int64 {
    get { lock.withLock { level } }
    set { lock.withLock { level = newValue } }
  }
}

public final class Histogram: @unchecked Sendable {
  /// Seconds, from a tenth of a millisecond to ten seconds.
  public static let latencyBounds = [
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
  ]

  private let lock = NSLock()
  private let bounds: [Double]
  private var counts: [Int64]
  private var sum = 0.0

  public init(bounds: [Double] = latencyBounds) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  public func observe(_ value: Double) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    lock.lock()
    counts[bucket] += 1
    sum += value
    lock.unlock()
  }

  fileprivate func write(_ name: String, _ labels: String, _ output: inout String) {
    lock.lock()
    let (counts, sum) = (counts, sum)
    lock.unlock()
    let prefix = labels.isEmpty ? "" : labels + ","
    var total: Int64 = 0
    for (index, count) in counts.enumerated() {
      total += count
      let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
      output += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
    }
    output += "\(name)_sum\(Metrics.braced(labels)) \(sum)\n\(name)_count\(Metrics.braced(labels)) \(total)\n"
  }
}
