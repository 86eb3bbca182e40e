/// The settings as texts, each from where it counts: flag, environment, config file.
struct SettingValues {
  struct Value: Equatable {
    var text: String
    /// `--listen`, `PALAVER_LISTEN`, `palaver.toml:3`.
    var origin: String
  }

  private var values: [String: Value] = [:]

  /// - Parameter readFile: the text of a file, or `nil` where it cannot be read.
  init(
    flags: [String: String], environment: [String: String], readFile: (String) -> String?
  ) throws(ConfigurationError) {
    let file = try Self.configFile(flags: flags, environment: environment, readFile: readFile)
    for setting in Setting.all {
      values[setting.key] = try Self.value(of: setting, flags, environment, file, readFile)
    }
  }

  subscript(setting: Setting) -> Value? { values[setting.key] }

  private typealias File = (name: String, entries: [String: ConfigFile.Entry])

  private static func configFile(
    flags: [String: String], environment: [String: String], readFile: (String) -> String?
  ) throws(ConfigurationError) -> File {
    let setting = Setting.config
    let named =
      flags[setting.key].map { Value(text: $0, origin: setting.flag) }
      ?? environment[setting.environment].map { Value(text: $0, origin: setting.environment) }
    guard let named else { return ("", [:]) }
    guard let text = readFile(named.text) else {
      throw ConfigurationError(named.origin, got: named.text, expected: "a file that can be read")
    }
    let entries = try ConfigFile.parse(text, name: named.text)
    let known = Setting.all.flatMap { $0.isSecret ? [$0.key, "\($0.key)-file"] : [$0.key] }.filter { $0 != setting.key }
    for (key, entry) in entries.sorted(by: { $0.value.line < $1.value.line }) where !known.contains(key) {
      let hint = Suggestion.nearest(to: key, among: known).map { "; did you mean \($0)?" } ?? ""
      throw ConfigurationError("\(named.text):\(entry.line): there is no setting \(key)\(hint)")
    }
    return (named.text, entries)
  }

  private static func value(
    of setting: Setting, _ flags: [String: String], _ environment: [String: String], _ file: File,
    _ readFile: (String) -> String?
  ) throws(ConfigurationError) -> Value? {
    let layers: [(plain: Value?, file: Value?)] = [
      (
        value(flags, setting.key, origin: setting.flag),
        value(flags, "\(setting.key)-file", origin: "\(setting.flag)-file")
      ),
      (
        value(environment, setting.environment, origin: setting.environment),
        value(environment, "\(setting.environment)_FILE", origin: "\(setting.environment)_FILE")
      ),
      (value(file, setting.key), value(file, "\(setting.key)-file")),
    ]
    for layer in layers {
      switch (layer.plain, setting.isSecret ? layer.file : nil) {
      case (let plain?, nil): return plain
      case (nil, let named?): return try secret(in: named, readFile)
      case (let plain?, let named?):
        throw ConfigurationError("\(plain.origin) and \(named.origin) are both set; one of them is to be taken away")
      case (nil, nil): continue
      }
    }
    return nil
  }

  private static func secret(in named: Value, _ readFile: (String) -> String?) throws(ConfigurationError) -> Value {
    guard let text = readFile(named.text) else {
      throw ConfigurationError(named.origin, got: named.text, expected: "a file that can be read")
    }
    guard !text.trimmed.isEmpty else {
      throw ConfigurationError(named.origin, got: named.text, expected: "a file that is not empty")
    }
    return Value(text: text.trimmed, origin: named.origin)
  }

  private static func value(_ values: [String: String], _ key: String, origin: String) -> Value? {
    // A variable that is set to nothing counts as not set: that is how compose files leave one out.
    guard let text = values[key], !(text.isEmpty && !origin.hasPrefix("--")) else { return nil }
    return Value(text: text, origin: origin)
  }

  private static func value(_ file: File, _ key: String) -> Value? {
    file.entries[key].map { Value(text: $0.value, origin: "\(file.name):\($0.line) (\(key))") }
  }
}
