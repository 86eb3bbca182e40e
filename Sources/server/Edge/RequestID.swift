/// What a request is called in replies and logs.
enum RequestID {
  /// The client's own, if it can stand in a log and a header as it is.
  static func choose(_ offered: String?) -> String {
    guard let offered, (1...64).contains(offered.utf8.count), offered.utf8.allSatisfy(isSane) else { return mint() }
    return offered
  }

  private static func mint() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func isSane(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "+"):
      true
    default: false
    }
  }
}
