/// What `--help` says.
struct HelpTexts {
  var commands: [Command]

  var overview: String {
    let width = (commands.map(\.name.count).max() ?? 0) + 2
    let list = commands.map { "  \(pad($0.name, to: width))\($0.summary)" }
    return """
      Palaver keeps chat rooms: messages over HTTP and WebSocket, kept for good, played back on join, found by search.

      Usage: palaver COMMAND [FLAGS]

      Commands:
      \(list.joined(separator: "\n"))

      Begin with
        palaver serve                      a server with its data in ./palaver-data, on http://127.0.0.1:8081
        palaver help serve                 its flags, and how it runs with MySQL, Redis and Elasticsearch

      Every flag may also come from the environment (--listen from PALAVER_LISTEN) or from a file (--config FILE).
      """
  }

  func text(of command: Command) -> String {
    var sections = ["Usage: palaver \(command.synopsis)", wrapped(command.explanation, indent: 0)]
    sections.append("Examples:\n" + command.examples.map(Self.example).joined(separator: "\n"))
    if !command.options.isEmpty { sections.append("Flags:\n" + table(command.options.map(Self.row))) }
    if !command.listedSettings.isEmpty {
      let rows = command.listedSettings.map(Self.row)
      sections.append("Settings (flag, then environment; the default in brackets):\n" + table(rows))
      if command.listedSettings.count < Setting.all.count { sections.append("All settings: palaver help serve") }
    }
    return sections.joined(separator: "\n\n")
  }

  private static func example(_ example: Command.Example) -> String {
    "  \(example.line)\n      \(example.meaning)"
  }

  private static func row(_ option: CommandOption) -> (String, String) {
    (option.placeholder.map { "\(option.flag) \($0)" } ?? option.flag, option.help)
  }

  private static func row(_ setting: Setting) -> (String, String) {
    let flag = setting.secrecy == .whole ? "\(setting.flag)-file FILE" : setting.options[0].synopsis
    let variable = setting.isSecret ? "\(setting.environment)[_FILE]" : setting.environment
    return (flag, "\(variable). \(setting.help)")
  }

  private static let column = 30
  private static let lineLength = 116

  private func table(_ rows: [(left: String, right: String)]) -> String {
    rows.map { row in
      let right = wrapped(row.right, indent: Self.column)
      return "  " + pad(row.left, to: Self.column - 2) + right.drop { $0 == " " }
    }.joined(separator: "\n")
  }

  private func wrapped(_ text: String, indent: Int) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if indent + last.count + word.count < Self.lineLength {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
  }

  private func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}

extension CommandOption {
  /// `--listen HOST:PORT`
  var synopsis: String { placeholder.map { "\(flag) \($0)" } ?? flag }
}
