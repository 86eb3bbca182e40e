import Foundation

extension BenchReport {
  /// Some lines for people.
  public var table: String {
    var lines = ["\(workload.rawValue): \(load)", "", Self.row(Self.header)]
    for measure in measures { lines.append(Self.row(Self.cells(measure))) }
    lines.append("")
    for figure in figures { lines.append("\(figure.title): \(Self.number(figure.value))") }
    lines.append("errors: \(errors)")
    lines.append("checked: \(checked.map { "\($0.count) \($0.name)" }.joined(separator: ", "))")
    lines.append(verdict)
    return lines.joined(separator: "\n")
  }

  private static let header = [
    "latency in ms", "asked/s", "reached/s", "count", "p50", "p90", "p99", "p99.9", "max",
  ]

  private static func cells(_ measure: MeasureResult) -> [String] {
    [measure.name, measure.askedRate.map(number) ?? "-", number(measure.reachedRate), "\(measure.latencies.count)"]
      + measure.latencies.columns.map { number($0.milliseconds) }
  }

  private static func row(_ cells: [String]) -> String {
    cells.enumerated().map { index, cell in
      let padding = String(repeating: " ", count: max(0, (index == 0 ? 16 : 11) - cell.count))
      return index == 0 ? cell + padding : padding + cell
    }.joined()
  }

  /// Three digits that count, and no more behind the point.
  static func number(_ value: Double) -> String {
    let digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
    return String(format: "%.\(digits)f", value)
  }

  private var errors: String {
    let all = measures.flatMap { measure in
      measure.failures.sorted { $0.key < $1.key }.map { "\(measure.name) \($0.key) \($0.value)" }
    }
    guard !all.isEmpty else { return "none" }
    let isLimited = measures.contains { $0.failures["rate_limited"] != nil }
    return all.joined(separator: ", ")
      + (isLimited ? " (the server's --send-rate bounds each connection: raise it there, or --clients here)" : "")
  }

  private var verdict: String {
    guard breachCounts.isEmpty else {
      let kinds = breachCounts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
      return (["BROKEN PROMISES: \(kinds.joined(separator: ", "))"] + breaches.map { "  \($0)" })
        .joined(separator: "\n")
    }
    return isGood ? "nothing lost, doubled or out of order" : "NOTHING WAS MEASURED"
  }
}
