import ChatRooms
import Drivers
import Foundation

/// The program `palaver`: finds the command, answers for help, turns errors into one line and an exit status.
struct CommandLineProgram: Sendable {
  /// The exit statuses, as most Unix programs have them.
  enum Status {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 2
  }

  var commands: [Command]
  var environment: [String: String]
  var readFile: @Sendable (String) -> String?
  var print: @Sendable (String) -> Void
  var complain: @Sendable (String) -> Void

  /// - Parameter arguments: without the program's own name.
  func run(_ arguments: [String]) async -> Int32 {
    let help = HelpTexts(commands: commands)
    guard let first = arguments.first else {
      complain(help.overview)
      return Status.usage
    }
    switch first {
    case "--help", "-h": return answer(help.overview)
    case "help": return explain(arguments.dropFirst().first, help)
    case "--version": return await run(["version"])
    default: break
    }
    guard let command = commands.first(where: { $0.name == first }) else { return unknown(first) }
    return await run(command, Array(arguments.dropFirst()), help)
  }

  private func answer(_ text: String) -> Int32 {
    print(text)
    return Status.success
  }

  private func explain(_ name: String?, _ help: HelpTexts) -> Int32 {
    guard let name else { return answer(help.overview) }
    guard let command = commands.first(where: { $0.name == name }) else { return unknown(name) }
    return answer(help.text(of: command))
  }

  private func unknown(_ name: String) -> Int32 {
    let hint = Suggestion.nearest(to: name, among: commands.map(\.name) + ["help"]).map { "; did you mean \($0)?" }
    complain("palaver: there is no command '\(name)'\(hint ?? "; see palaver --help")")
    return Status.usage
  }

  private func run(_ command: Command, _ arguments: [String], _ help: HelpTexts) async -> Int32 {
    do {
      let arguments = try CommandArguments(arguments, options: command.allOptions)
      if arguments.isHelpWanted { return answer(help.text(of: command)) }
      return try await command.run(
        CommandContext(
          arguments: arguments, environment: environment, readFile: readFile, print: print, complain: complain))
    } catch let error as ConfigurationError {
      complain("palaver \(command.name): \(error.message)")
      return Status.usage
    } catch {
      complain("palaver \(command.name): \(Self.line(error))")
      return Status.failure
    }
  }

  private static func line(_ error: any Error) -> String {
    let text = (error as? ChatError)?.message ?? "\(error)"
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

extension CommandLineProgram {
  /// The program over the process it runs in.
  static func ofThisProcess() -> CommandLineProgram {
    CommandLineProgram(
      commands: Command.all, environment: ProcessInfo.processInfo.environment,
      readFile: { path in try? String(contentsOfFile: path, encoding: .utf8) },
      print: { FileHandle.standardOutput.write(Data(($0 + "\n").utf8)) },
      complain: { FileHandle.standardError.write(Data(($0 + "\n").utf8)) })
  }
}

extension Command {
  /// In the order of the list of commands.
  static let all: [Command] = [
    serve, check, migrate, reshard, importing, export, search, verify, deadletters, rooms, users, token, bench, version,
  ]
}
