/// The config file: TOML without tables. A line is `key = value`; a value is a string in quotes, an array of strings
/// (as if joined with commas), or a bare word such as `true`, `24h` or `127.0.0.1:8081`. `#` begins a comment.
enum ConfigFile {
  struct Entry: Equatable {
    var value: String
    /// From 1.
    var line: Int
  }

  /// - Parameter name: for errors.
  static func parse(_ text: String, name: String) throws(ConfigurationError) -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.trimmed
      if line.isEmpty || line.hasPrefix("#") { continue }
      let origin = "\(name):\(index + 1)"
      guard let equals = line.firstIndex(of: "=") else {
        throw ConfigurationError(
          origin, got: line.prefix(20) + "…", expected: "a line such as: listen = \"127.0.0.1:8081\"")
      }
      let key = line[..<equals].trimmed.replacing("_", with: "-")
      guard let value = value(of: line[line.index(after: equals)...].trimmed) else {
        throw ConfigurationError(
          "\(origin): the value of \(key) is not a string in quotes, a list of those, or one word")
      }
      if let earlier = entries[key] {
        throw ConfigurationError("\(origin): \(key) is set in line \(earlier.line) already")
      }
      entries[key] = Entry(value: value, line: index + 1)
    }
    return entries
  }

  private static func value(of text: String) -> String? {
    var rest = text[...]
    if text.hasPrefix("[") { return array(&rest) }
    if text.hasPrefix("\"") || text.hasPrefix("'") {
      guard let string = string(&rest), isEnd(rest) else { return nil }
      return string
    }
    let word = text.prefix { $0 != "#" }.trimmed
    return word.isEmpty || word.contains(where: { $0.isWhitespace || $0 == "\"" }) ? nil : word
  }

  private static func isEnd(_ rest: Substring) -> Bool {
    let rest = rest.drop(while: \.isWhitespace)
    return rest.isEmpty || rest.hasPrefix("#")
  }

  private static func array(_ rest: inout Substring) -> String? {
    rest = rest.dropFirst().drop(while: \.isWhitespace)
    var elements: [String] = []
    while !rest.hasPrefix("]") {
      guard let element = string(&rest) else { return nil }
      elements.append(element)
      rest = rest.drop(while: \.isWhitespace)
      if rest.hasPrefix(",") { rest = rest.dropFirst().drop(while: \.isWhitespace) } else { break }
    }
    guard rest.hasPrefix("]"), isEnd(rest.dropFirst()) else { return nil }
    return elements.joined(separator: ",")
  }

  /// A basic string (with `\n`, `\t`, `\"` and `\\`) or a literal one in single quotes.
  private static func string(_ rest: inout Substring) -> String? {
    guard let quote = rest.first, quote == "\"" || quote == "'" else { return nil }
    rest = rest.dropFirst()
    var value = ""
    while let character = rest.popFirst() {
      if character == quote { return value }
      guard character == "\\", quote == "\"" else {
        value.append(character)
        continue
      }
      switch rest.popFirst() {
      case "n": value.append("\n")
      case "t": value.append("\t")
      case "\"": value.append("\"")
      case "\\": value.append("\\")
      default: return nil
      }
    }
    return nil
  }
}

extension StringProtocol {
  /// Without white space around it.
  var trimmed: String {
    let start = drop(while: \.isWhitespace)
    return String(
      start.prefix(upTo: start.lastIndex { !$0.isWhitespace }.map { start.index(after: $0) } ?? start.endIndex))
  }
}
