import ChatRooms
import Drivers
import Foundation
import HistoryIndex
import Testing

@testable import server

@Suite(.timeLimit(.minutes(1))) struct SearchGateTests {
  private func soon() -> ContinuousClock.Instant { .now + .seconds(20) }

  @Test func soManyAtOnceSomeWaitAndTheRestAreRefused() async throws {
    let gate = SearchGate(SearchLimits(inFlight: 2, waitingForEach: 1), metrics: Metrics())
    let (hold, release) = AsyncStream<Void>.makeStream()
    let most = Most()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<4 {
        group.addTask {
          try await gate.pass(nil, by: soon()) {
            most.enter()
            defer { most.leave() }
            if number < 4 { for await _ in hold {} }
          }
        }
      }
      while gate.counts != (2, 2) { try await Task.sleep(for: .milliseconds(1)) }
      let error = await #expect(throws: ChatError.self) { try await gate.pass(nil, by: soon()) {} }
      #expect(error?.status == 503 && error?.word == "overloaded" && (error?.retryAfter ?? 0) > 0)
      release.finish()
      try await group.waitForAll()
    }
    #expect(most.value == 2)
    #expect(gate.counts == (0, 0))
    try await gate.pass(nil, by: soon()) {}
  }

  @Test func whoWaitedPastTheDeadlineIsRefused() async throws {
    let gate = SearchGate(SearchLimits(inFlight: 1, waitingForEach: 2), metrics: Metrics())
    let (hold, release) = AsyncStream<Void>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await gate.pass(nil, by: soon()) { for await _ in hold {} } }
      while gate.counts.inFlight < 1 { try await Task.sleep(for: .milliseconds(1)) }
      group.addTask {
        let error = await #expect(throws: ChatError.self) { try await gate.pass(nil, by: .now) {} }
        #expect(error?.word == "overloaded")
      }
      while gate.counts.waiting < 1 { try await Task.sleep(for: .milliseconds(1)) }
      release.finish()
      try await group.waitForAll()
    }
  }

  @Test func heavySearchesLeaveRoomForOthers() async throws {
    let gate = SearchGate(
      SearchLimits(inFlight: 4, heavyInFlight: 1, mostOfLight: 8, waitingForEach: 1), metrics: Metrics())
    let (hold, release) = AsyncStream<Void>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await gate.pass(nil, weight: 9, by: soon()) { for await _ in hold {} } }
      while gate.counts != (1, 0) { try await Task.sleep(for: .milliseconds(1)) }
      group.addTask { try await gate.pass(nil, weight: 40, by: soon()) {} }
      while gate.counts != (1, 1) { try await Task.sleep(for: .milliseconds(1)) }
      // Beside the one that is carried out and the one that waits.
      try await gate.pass(nil, weight: 8, by: soon()) {}
      let error = await #expect(throws: ChatError.self) { try await gate.pass(nil, weight: 9, by: soon()) {} }
      #expect(error?.word == "overloaded")
      release.finish()
      try await group.waitForAll()
    }
    #expect(gate.counts == (0, 0))
  }

  @Test func aHeavySearchTakesMoreOfAUsersRate() async throws {
    let gate = SearchGate(SearchLimits(rate: .init(rate: 0.001, burst: 100)), metrics: Metrics())
    try await gate.pass("anna", weight: 1_000, by: soon()) {}
    try await gate.pass("anna", weight: 49, by: soon()) {}
    try await gate.pass("anna", by: soon()) {}
    await #expect(throws: ChatError.self) { try await gate.pass("anna", by: soon()) {} }
  }

  @Test func whoComesWithoutWaitingIsLetInWhileThereIsRoomAndARate() async throws {
    let gate = SearchGate(SearchLimits(inFlight: 2, rate: .init(rate: 0.001, burst: 1)), metrics: Metrics())
    var first = gate.admit("anna")
    #expect(first != nil && gate.admit("anna") == nil, "the rate")
    var second = gate.admit("bert")
    #expect(second != nil && gate.admit("carl") == nil, "the load")
    #expect(gate.counts.inFlight == 2)
    first = nil
    #expect(gate.counts.inFlight == 1)
    // Who was turned away has lost nothing of the rate.
    first = gate.admit("carl")
    #expect(first != nil)
    (first, second) = (nil, nil)
    #expect(gate.counts.inFlight == 0)
  }

  @Test func aUsersRateIsTheUsersAlone() async throws {
    let gate = SearchGate(SearchLimits(rate: .init(rate: 0.001, burst: 2)), metrics: Metrics())
    for _ in 0..<2 { try await gate.pass("anna", by: soon()) {} }
    let error = await #expect(throws: ChatError.self) { try await gate.pass("anna", by: soon()) {} }
    #expect(error?.status == 429 && error?.word == "rate_limited" && (error?.retryAfter ?? 0) > 0)
    try await gate.pass("bert", by: soon()) {}
    try await gate.pass(nil, by: soon()) {}
  }

  private final class Most: @unchecked Sendable {
    private let lock = NSLock()
    private var now = 0
    private var most = 0

    var value: Int { lock.withLock { most } }
    func enter() {
      lock.withLock {
        now += 1
        most = max(most, now)
      }
    }
    func leave() { lock.withLock { now -= 1 } }
  }
}

@Suite struct TypedWordTests {
  @Test func theLastWordIsCutAtItsOperator() {
    #expect(TypedWord("deploy from:ca") == word("deploy ", "", "from", "from:", "ca"))
    #expect(TypedWord("-In：lob") == word("", "-", "in", "In：", "lob"))
    #expect(TypedWord("from:\"Jane D") == word("", "", "from", "from:", "Jane D"))
    #expect(TypedWord("a b ").value == "")
    #expect(TypedWord("fr").name == nil)
    #expect(TypedWord("in:#").isNumber && TypedWord("in:#12").isNumber && !TypedWord("in:#a").isNumber)
  }

  @Test func aNameWithSpacesIsLookedForWithoutQuotes() {
    #expect(TypedWord(namedBefore: "x -in:more tw") == word("x ", "-", "in", "in:", "more tw"))
    #expect(TypedWord(namedBefore: "from:a b c") == word("", "", "from", "from:", "a b c"))
    for typed in ["in:more", "more tw", "in:more ", "has:link tw", "in: tw", "in:a b c d e", "in:\"a\" b"] {
      #expect(TypedWord(namedBefore: typed) == nil, "\(typed)")
    }
  }

  private func word(_ before: String, _ sign: String, _ name: String, _ typed: String, _ value: String) -> TypedWord {
    var word = TypedWord("")
    (word.before, word.sign, word.name, word.typedName, word.value) = (before, sign, name, typed, value)
    return word
  }

  @Test func namesThatWouldBeReadOtherwiseAreQuoted() {
    #expect(SearchSuggestions.quoted("lobby") == "lobby")
    #expect(SearchSuggestions.quoted("the lobby") == "\"the lobby\"")
    #expect(SearchSuggestions.quoted("#swift") == "\"#swift\"")
  }
}

@Suite struct SearchCommandTests {
  private func options(_ arguments: String...) throws -> SearchCommandOptions {
    try SearchCommandOptions(try CommandArguments(arguments, options: Command.search.allOptions))
  }

  @Test func flagsAreReadInBothForms() throws {
    #expect(try options("q", "-C", "2").context == 2)
    #expect(try options("q", "-C3").context == 3)
    #expect(try options("q", "--context=1", "--sort", "oldest", "--limit", "7").limit == 7)
    #expect(try options("q").context == nil)
    for wrong in [["--limit", "0"], ["--sort", "best"], ["-C9"], ["--color", "red"], ["--tz", "Mars"]] {
      #expect(throws: ConfigurationError.self) {
        try SearchCommandOptions(try CommandArguments(["q"] + wrong, options: Command.search.allOptions))
      }
    }
  }

  @Test func coloursAreForTerminalsUnlessTheyAreNotWanted() throws {
    #expect(try options("q").isColored(isTerminal: true, environment: [:]))
    #expect(try !options("q").isColored(isTerminal: false, environment: [:]))
    #expect(try !options("q").isColored(isTerminal: true, environment: ["NO_COLOR": "1"]))
    #expect(try options("q", "--color", "always").isColored(isTerminal: false, environment: ["NO_COLOR": "1"]))
  }

  @Test func aHitIsALineInWhichNothingSteersTheTerminal() {
    var message = MemoryHistory.message(1, 2)
    message.text = "one \u{1B}[31mtwo\nthree"
    let hit = HistoryIndex.SearchHit(message: message, score: nil, highlights: [.init(start: 0, length: 3)])
    var plain = SearchPrinter(isColored: false, timeZone: "UTC")
    #expect(
      plain.lines(of: hit, room: "tea", context: nil) == ["tea:2  2023-11-14 22:13:20  John  one \u{FFFD}[31mtwo⏎three"]
    )
    var colored = SearchPrinter(isColored: true, timeZone: "UTC")
    let lines = colored.lines(
      of: hit, room: "tea", context: [MemoryHistory.message(1, 1), MemoryHistory.message(1, 3)])
    #expect(lines.count == 3)
    #expect(lines[1].contains("\u{1B}[1;31mone\u{1B}[0m"))
    #expect(colored.lines(of: hit, room: "tea", context: []).first == "\u{1B}[2m--\u{1B}[0m")
  }
}
