/// A flag of a command.
struct CommandOption: Sendable, Equatable {
  /// Without the dashes.
  var name: String
  /// What stands for the value in help texts; `nil` for a switch.
  var placeholder: String?
  var help: String
  /// Whether help texts show it.
  var isListed: Bool
  /// The letter of `-C VALUE`, where the flag has a short form.
  var short: Character?

  init(
    _ name: String, placeholder: String? = nil, help: String, isListed: Bool = true, short: Character? = nil
  ) {
    self.name = name
    self.placeholder = placeholder
    self.help = help
    self.isListed = isListed
    self.short = short
  }

  var flag: String { "--\(name)" }
}

/// A command's arguments, cut into flags and the rest.
struct CommandArguments: Equatable {
  /// Values by the flag's name; of a flag that stands twice the last counts. A switch is `true` or `false`.
  var flags: [String: String] = [:]
  /// All values of flags that take one, in their order.
  var lists: [String: [String]] = [:]
  var positionals: [String] = []
  /// Flags of switches by the number of the positional that stood right behind them, which may be meant for a value.
  private(set) var switches: [Int: String] = [:]
  var isHelpWanted = false

  /// Takes `--name value`, `--name=value`, `--switch`, `--switch=false`, `--switch false`, and after `--` anything.
  init(_ arguments: [String], options: [CommandOption]) throws(ConfigurationError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--":
        positionals += rest
        rest = []
      case "--help", "-h": isHelpWanted = true
      case _ where argument.hasPrefix("--"): try takeFlag(argument, &rest, options)
      case _ where argument.hasPrefix("-") && argument != "-":
        if let long = Self.longForm(of: argument, options) {
          try takeFlag(long, &rest, options)
          continue
        }
        throw ConfigurationError("there is no flag \(argument); flags begin with two dashes")
      default: positionals.append(argument)
      }
    }
  }

  func isOn(_ name: String) -> Bool { flags[name] == "true" }

  /// `--context=3` for `-C3`, `--context` for `-C`.
  private static func longForm(of argument: String, _ options: [CommandOption]) -> String? {
    let letters = argument.dropFirst()
    guard let option = options.first(where: { $0.short != nil && $0.short == letters.first }) else { return nil }
    return letters.count == 1 ? option.flag : "\(option.flag)=\(letters.dropFirst())"
  }

  private mutating func takeFlag(
    _ argument: String, _ rest: inout ArraySlice<String>, _ options: [CommandOption]
  ) throws(ConfigurationError) {
    let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = options.first(where: { $0.name == name }) else {
      let hint = Suggestion.nearest(to: name, among: options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
      throw ConfigurationError("there is no flag --\(name)\(hint)")
    }
    if parts.count == 2 {
      flags[name] = String(parts[1])
      lists[name, default: []].append(String(parts[1]))
    } else if let placeholder = option.placeholder {
      guard let value = rest.popFirst() else {
        throw ConfigurationError(option.flag, got: "", expected: "\(option.flag) \(placeholder)")
      }
      flags[name] = value
      lists[name, default: []].append(value)
    } else if let next = rest.first, next == "true" || next == "false" {
      flags[name] = rest.removeFirst()
    } else {
      flags[name] = "true"
      if let next = rest.first, !next.hasPrefix("-") { switches[positionals.count] = option.flag }
    }
  }
}
