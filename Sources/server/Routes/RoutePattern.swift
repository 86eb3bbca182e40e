/// `/v1/chatrooms/:id`: a part that begins with a colon takes any value that is not empty.
struct RoutePattern: Sendable {
  private enum Part: Sendable {
    case name(String)
    case value(String)
  }

  private let parts: [Part]
  /// A plain part beats a value: patterns with fewer values come first.
  let valueCount: Int

  init(_ pattern: String) {
    parts = pattern.split(separator: "/").map {
      $0.hasPrefix(":") ? .value(String($0.dropFirst())) : .name(String($0))
    }
    valueCount = parts.count { if case .value = $0 { true } else { false } }
  }

  func matches(_ path: [String]) -> Bool {
    guard path.count == parts.count else { return false }
    for index in path.indices {
      switch parts[index] {
      case .name(let name): if name != path[index] { return false }
      case .value: if path[index].isEmpty { return false }
      }
    }
    return true
  }

  /// What a path that matches has in place of the values.
  func values(of path: [String]) -> [String: String] {
    var values: [String: String] = [:]
    for (part, text) in zip(parts, path) {
      if case .value(let name) = part { values[name] = text }
    }
    return values
  }
}
