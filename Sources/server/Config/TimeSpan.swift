import ChatRooms

/// Lengths of time as people write them: `500ms`, `10s`, `15m`, `24h`, `7d`.
enum TimeSpan {
  private static let units: [(suffix: String, milliseconds: Milliseconds)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]

  /// `nil` for what is no length of time, is negative, or is out of range.
  static func parse(_ text: String) -> Milliseconds? {
    guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return text == "0" ? 0 : nil }
    let digits = text.dropLast(unit.suffix.count)
    guard digits.allSatisfy(\.isASCII), let count = UInt32(digits) else { return nil }
    let (span, isOverflow) = Milliseconds(count).multipliedReportingOverflow(by: unit.milliseconds)
    return isOverflow ? nil : span
  }
}
