import Drivers
import Foundation
import Testing

@testable import server

/// What a run of the program says.
private final class Transcript: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []

  var text: String { lock.withLock { lines.joined(separator: "\n") } }
  func add(_ line: String) { lock.withLock { lines.append(line) } }
}

private func run(_ arguments: String...) async -> (status: Int32, output: String, errors: String) {
  let (output, errors) = (Transcript(), Transcript())
  let program = CommandLineProgram(
    commands: Command.all, environment: [:], readFile: { _ in nil }, print: output.add, complain: errors.add)
  return (await program.run(arguments), output.text, errors.text)
}

@Suite struct CommandTests {
  @Test func helpListsEveryCommandAndNoneThatIsMissing() async {
    let help = await run("--help")
    #expect(help.status == 0)
    for command in Command.all { #expect(help.output.contains("  \(command.name) ")) }
  }

  @Test func everyCommandTeachesWithExamples() async {
    for command in Command.all {
      let (flag, word) = (await run(command.name, "--help"), await run("help", command.name))
      #expect(flag.status == 0)
      #expect(flag.output == word.output)
      #expect(flag.output.contains("Usage: palaver \(command.name)"))
      #expect(flag.output.contains("Examples:"))
      for line in flag.output.split(separator: "\n") { #expect(line.count <= 140, "\(line)") }
    }
  }

  @Test func helpOfServeNamesEverySettingsFlagAndVariable() async {
    let help = await run("serve", "--help").output
    for setting in Setting.all { #expect(help.contains(setting.environment), "\(setting.key)") }
    #expect(!help.contains("--jwt-secret SECRET"))
  }

  @Test(arguments: [
    (["serv"], "did you mean serve?"), (["improt", "x"], "did you mean import?"), (["frobnicate"], "--help"),
    (["serve", "--lisen", "x"], "did you mean --listen?"), (["rooms", "list", "--jsn"], "did you mean --json?"),
    (["serve", "-l"], "two dashes"), (["help", "sevre"], "did you mean serve?"),
    (["rooms"], "list, show ROOM"), (["import"], "FILE"), (["serve", "now"], "no arguments"),
    (["token"], "the user's name"), (["bench"], "a workload"), (["bench", "sned"], "did you mean send?"),
    (["bench", "send", "--rate", "many"], "--rate"), (["bench", "send", "--url", "https://h"], "http://HOST:PORT"),
    (["rooms", "list", "--database", "mysql://u:p@h/n"], "--redis"),
    (["serve", "--migrate", "maybe"], "--migrate: got 'maybe', expected true or false"),
    (["serve", "--listen", ":0", "--data", "/proc/version"], "--data: got '/proc/version', expected a folder"),
    (["serve", "--listen", ":0", "--data", "/proc/nope"], "--data: got '/proc/nope', expected a folder"),
    (["rooms", "list", "--data", "/nowhere/data"], "--data: got '/nowhere/data', expected a folder"),
    (["rooms", "--json", "list", "--data", "/nowhere/data"], "--data"),
    (["users", "list", "--data", "/nowhere/data"], "--data: got '/nowhere/data', expected a folder"),
    (["deadletters", "list", "--data", "/nowhere/data"], "--data: got '/nowhere/data', expected a folder"),
  ])
  func aSlipIsAnsweredWithAHintAndStatusTwo(arguments: [String], hint: String) async {
    let (output, errors) = (Transcript(), Transcript())
    let program = CommandLineProgram(
      commands: Command.all, environment: [:], readFile: { _ in nil }, print: output.add, complain: errors.add)
    #expect(await program.run(arguments) == 2)
    #expect(errors.text.contains(hint), "\(errors.text)")
    #expect(!errors.text.contains("\n"))
    #expect(output.text.isEmpty)
  }

  @Test func theVersionIsSaid() async {
    #expect(await run("version").output == "palaver \(PalaverVersion.current)")
    #expect(await run("version", "--json").output == #"{"version":"\#(PalaverVersion.current)"}"#)
  }

  @Test func progressIsABarOnATerminalAndPlainLinesElsewhere() {
    let (bar, lines) = (Transcript(), Transcript())
    let start = ContinuousClock.now
    var terminal = ProgressDisplay(name: "a", isTerminal: true, write: bar.add)
    var plain = ProgressDisplay(name: "a", isTerminal: false, write: lines.add)
    for second in 0...20 {
      let now = start + .seconds(second)
      terminal.show(done: Int64(second * 1_000), unit: "lines", fraction: Double(second) / 40, now: now)
      plain.show(done: Int64(second * 1_000), unit: "lines", fraction: Double(second) / 40, now: now)
    }
    #expect(bar.text.contains("[████████████············] a: 20000 lines, 1000/s, 50 %, 20 s left"))
    #expect(lines.text.contains("a: 10000 lines, 1000/s, 25 %, 30 s left"))
    #expect(!lines.text.contains("\u{1B}"))
    #expect(ProgressDisplay.time(200) == "3 min 20 s")
  }
}

@Suite struct PrintableTests {
  @Test func whatPeopleCallThingsCannotSteerTheTerminal() {
    #expect("a\u{202E}b\u{2066}c\n\u{1B}[31md\te".printable == "a\u{FFFD}b\u{FFFD}c⏎\u{FFFD}[31md e")
    #expect("née 日本 👩‍💻".printable == "née 日本 👩‍💻")
  }
}
