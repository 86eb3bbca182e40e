/// Amounts of bytes as people write them: `500000000`, `64K`, `256M`, `2G`, `1T`.
enum ByteSize {
  private static let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]

  /// `nil` for what is no amount, is negative, or is out of range.
  static func parse(_ text: String) -> Int64? {
    let unit = text.last.flatMap { units[$0] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int64(digits) else { return nil }
    let (bytes, isOverflow) = count.multipliedReportingOverflow(by: unit ?? 1)
    return isOverflow ? nil : bytes
  }
}
