import Drivers

/// Something that was looked at, and whether it will do.
struct CheckFinding: Sendable, Equatable {
  var backend: String
  /// Where it is, without secrets.
  var address: String
  var name: String
  var found: String
  /// What is needed, or what to do; empty where nothing in particular is.
  var wanted = ""
  var isOK: Bool

  var line: String {
    let end = isOK || wanted.isEmpty ? "" : " (wanted: \(wanted))"
    return "\(isOK ? "ok  " : "BAD ") \(backend) \(address): \(name) = \(found)\(end)"
  }

  var json: String {
    var writer = JSONWriter()
    writer.object {
      $0.member("backend", backend)
      $0.member("address", address)
      $0.member("name", name)
      $0.member("found", found)
      $0.member("wanted", wanted)
      $0.member("ok", isOK)
    }
    return writer.string
  }

  /// - Parameter words: why; made one line.
  static func unreachable(_ backend: String, _ address: String, _ words: String, wanted: String) -> CheckFinding {
    let words = words.split(whereSeparator: \.isNewline).joined(separator: " ")
    return CheckFinding(
      backend: backend, address: address, name: "reachable", found: "no: \(words)", wanted: wanted, isOK: false)
  }
}
