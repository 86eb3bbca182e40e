import Drivers

extension BenchReport {
  /// One object; latencies in milliseconds.
  public var json: String {
    var writer = JSONWriter(capacity: 2_048)
    writer.object {
      $0.member("workload", workload.rawValue)
      $0.member("load", load)
      $0.key("seconds")
      $0.value(seconds)
      $0.member("ok", isGood)
      $0.key("measures")
      $0.array { for measure in measures { Self.write(measure, to: &$0) } }
      $0.key("figures")
      $0.object {
        for figure in figures {
          $0.key(figure.name)
          $0.value(figure.value)
        }
      }
      $0.key("checked")
      $0.object { for (name, count) in checked { $0.member(name, count) } }
      writeBreaches(to: &$0)
    }
    return writer.string
  }

  private static func write(_ measure: MeasureResult, to writer: inout JSONWriter) {
    writer.object {
      $0.member("name", measure.name)
      if let asked = measure.askedRate {
        $0.key("asked_per_second")
        $0.value(asked)
      }
      $0.key("per_second")
      $0.value(rounded(measure.reachedRate))
      $0.member("count", measure.latencies.count)
      for (name, value) in measure.latencies.columns {
        $0.key("\(name)_ms")
        $0.value(rounded(value))
      }
      $0.key("errors")
      $0.object { for (kind, count) in measure.failures.sorted(by: { $0.key < $1.key }) { $0.member(kind, count) } }
    }
  }

  private func writeBreaches(to writer: inout JSONWriter) {
    writer.key("breaches")
    writer.object {
      for kind in Breach.Kind.allCases { $0.member(kind.rawValue, ifPresent: breachCounts[kind]) }
    }
    writer.key("first_breaches")
    writer.array { for breach in breaches { $0.value(breach.description) } }
  }

  /// To a microsecond.
  private static func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }
}

extension LatencyHistogram {
  /// What reports show of latencies in nanoseconds: milliseconds.
  var columns: [(name: String, milliseconds: Double)] {
    let shares: [(String, Double)] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)]
    let milliseconds = { (value: Int64) in Double(value) / Double(NanosecondClock.millisecond) }
    return shares.map { ($0.0, milliseconds(quantile($0.1))) } + [("max", milliseconds(maximum))]
  }
}
