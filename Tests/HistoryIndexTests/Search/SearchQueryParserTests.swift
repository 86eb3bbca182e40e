import ChatRooms
import Foundation
import Testing

@testable import HistoryIndex

/// 2026-11-21 12:00 UTC.
private let noon: Milliseconds = 1_795_262_400_000
private let day: Milliseconds = 86_400_000

private func parse(_ text: String, tz: String = "UTC", me: String? = "John") throws -> SearchQuery {
  let timeZone = try #require(TimeZone(identifier: tz))
  return try SearchQueryParser(now: noon, timeZone: timeZone, me: me).parse(text)
}

@Suite struct SearchQueryParserTests {
  @Test(arguments: ["", "   ", "\t\n\u{3000}", "\"\"", "``", "\"", "`", "\0"])
  func nothingToSearchForIsEverything(text: String) throws {
    #expect(try parse(text) == .everything)
  }

  @Test func wordsMustAllMatch() throws {
    #expect(try parse("hello  world") == .all([.word("hello"), .word("world")]))
    #expect(try parse("猫\u{3000}犬") == .all([.word("猫"), .word("犬")]))
  }

  @Test func aPhraseStandsInQuotesOfAnyKind() throws {
    #expect(try parse(#""hello world""#) == .phrase("hello world"))
    #expect(try parse("“hello world”") == .phrase("hello world"))
    #expect(try parse("«  hello world »") == .phrase("hello world"))
    #expect(try parse("＂hello world\"") == .phrase("hello world"))
    #expect(try parse("\"a\u{301}\" \"\u{301}b\"") == .all([.phrase("a\u{301}"), .phrase("\u{301}b")]))
  }

  @Test func anUnclosedQuoteIsLeftOut() throws {
    #expect(try parse(#""hello world"#) == .all([.word("hello"), .word("world")]))
    #expect(try parse(#"12" vinyl"#) == .all([.word("12\""), .word("vinyl")]))
    #expect(try parse("`x y") == .all([.word("x"), .word("y")]))
  }

  @Test func minusNegatesBeforeALetterADigitAQuoteOrAnOperator() throws {
    #expect(try parse("-foo") == .not(.word("foo")))
    #expect(try parse("－foo") == .not(.word("foo")))
    #expect(try parse("-5") == .not(.word("5")))
    #expect(try parse("-猫") == .not(.word("猫")))
    #expect(try parse(#"-"a b""#) == .not(.phrase("a b")))
    #expect(try parse("-`a b`") == .not(.literal("a b")))
    #expect(try parse("-from:Ann") == .not(.author("Ann")))
    #expect(try parse("-foo*") == .not(.prefix("foo")))
    #expect(try parse("--flag") == .word("--flag"))
    #expect(try parse("-") == .word("-"))
    #expect(try parse("->") == .word("->"))
    #expect(try parse("a - b") == .all([.word("a"), .word("-"), .word("b")]))
    #expect(try parse("a-b") == .word("a-b"))
  }

  @Test func orBindsItsTwoNeighbours() throws {
    #expect(try parse("a OR b") == .any([.word("a"), .word("b")]))
    #expect(try parse("a b OR c d") == .all([.word("a"), .any([.word("b"), .word("c")]), .word("d")]))
    #expect(try parse("a OR b OR -c") == .any([.word("a"), .word("b"), .not(.word("c"))]))
    #expect(try parse("a or b") == .all([.word("a"), .word("or"), .word("b")]))
  }

  @Test func orWithoutTwoNeighboursIsText() throws {
    #expect(try parse("OR") == .word("OR"))
    #expect(try parse("a OR") == .all([.word("a"), .word("OR")]))
    #expect(try parse("OR a") == .all([.word("OR"), .word("a")]))
    #expect(try parse("a OR OR b") == .all([.word("a"), .word("OR"), .word("OR"), .word("b")]))
    #expect(try parse(#"a OR """#) == .all([.word("a"), .word("OR")]))
  }

  @Test func aStarAtTheEndAsksForBeginnings() throws {
    #expect(try parse("foo*") == .prefix("foo"))
    #expect(try parse("👍*") == .prefix("👍"))
    for text in ["*", "**", "foo**", "a*b", "-*", "...*"] { #expect(try parse(text) == .word(text)) }
  }

  @Test func aLiteralStandsInBackticks() throws {
    #expect(try parse("`a  -b “c”`") == .literal("a  -b “c”"))
  }

  @Test func peopleAndRoomsAreNamed() throws {
    #expect(try parse("from:Ann") == .author("Ann"))
    #expect(try parse("FROM:@Ann") == .author("Ann"))
    #expect(try parse("from：“John Smith”") == .author("John Smith"))
    #expect(try parse(#"from:"a \"b\" \\ \c""#) == .author(#"a "b" \ \c"#))
    #expect(try parse("from:e\u{301}") == .author("é"))
    #expect(try parse("from:me mentions:me") == .all([.author("John"), .mentions("John")]))
    #expect(try parse(#"mentions:"me""#) == .mentions("me"))
    #expect(try parse("mentions:me", me: nil) == .mentions("me"))
    #expect(try parse("in:general") == .room(.name("general")))
    #expect(try parse("in:#12") == .room(.id(12)))
    #expect(try parse(##"in:"#12""##) == .room(.name("#12")))
    #expect(try parse("in:#swift") == .room(.name("#swift")))
    #expect(try parse("in:#+1") == .room(.name("#+1")))
    #expect(try parse("in:#99999999999999999999") == .room(.name("#99999999999999999999")))
  }

  @Test func anUnclosedQuotedValueIsTakenWithoutItsQuote() throws {
    #expect(try parse(#"from:"John Sm"#) == .all([.author("John"), .word("Sm")]))
  }

  @Test func featuresAndLinks() throws {
    #expect(try parse("has:link HAS:Code") == .all([.has(.link), .has(.code)]))
    #expect(try parse("link:Example.com") == .link(host: "example.com"))
    #expect(try parse("link:https://example.com:8080/a?b#c") == .link(host: "example.com"))
    #expect(try parse("link:.com") == .word("link:.com"))
  }

  @Test(arguments: [
    "from:", "has:nothing", "on:2026-13", "on:2026-02-29", "before:soon", "on:26", "on:2026-11-20-1", "is:x",
    "thread:1",
    "with:a", "ext:pdf", "file:x", "code:y", "link:", "in:", "note:x", "http://a.b/c", "after:9999999d", "on:@x",
    "on:0000",
    "after:-7d", "on:2026-+1",
  ])
  func whatMeansNothingIsText(text: String) throws {
    #expect(try parse(text) == .word(text))
  }

  @Test func quotesAroundWhatMeansNothingAreLeftOut() throws {
    #expect(try parse(#"file:"a b""#) == .all([.word("file:a"), .word("b")]))
    #expect(try parse(#"-has:"x""#) == .not(.word("has:x")))
  }

  @Test func aThousandCodePointsAreRead() throws {
    #expect(try parse(String(repeating: "猫", count: 1_000)) == .word(String(repeating: "猫", count: 1_000)))
    #expect(throws: ChatError.invalid("q", "A search has at most 1000 characters.")) {
      try parse(String(repeating: "猫", count: 1_001))
    }
  }
}

@Suite struct SearchDatesTests {
  private func milliseconds(_ iso: String) throws -> Milliseconds {
    Milliseconds(try Date(iso, strategy: .iso8601).timeIntervalSince1970 * 1_000)
  }

  @Test func aDateIsAHalfOpenRangeOfTheCallersTime() throws {
    let (start, end) = (try milliseconds("2026-11-20T00:00:00Z"), try milliseconds("2026-11-21T00:00:00Z"))
    #expect(try parse("on:2026-11-20") == .time(from: start, to: end))
    #expect(try parse("during:2026－11－20") == .time(from: start, to: end))
    #expect(try parse("before:2026-11-20") == .time(from: nil, to: start))
    #expect(try parse("after:2026-11-20") == .time(from: end, to: nil))
    let hour: Milliseconds = 3_600_000
    #expect(try parse("on:2026-11-20", tz: "Asia/Tokyo") == .time(from: start - 9 * hour, to: end - 9 * hour))
  }

  @Test func monthsAndYearsEndWhereTheNextBegins() throws {
    #expect(
      try parse("during:2026-12")
        == .time(from: try milliseconds("2026-12-01T00:00:00Z"), to: try milliseconds("2027-01-01T00:00:00Z")))
    #expect(try parse("after:2026") == .time(from: try milliseconds("2027-01-01T00:00:00Z"), to: nil))
    #expect(try parse("before:2026") == .time(from: nil, to: try milliseconds("2026-01-01T00:00:00Z")))
    #expect(try parse("on:2028-02-29") != .word("on:2028-02-29"))
  }

  @Test func daysAreAsLongAsTheClockMakesThem() throws {
    // Clocks go forward on 2026-03-29 in Berlin, and at midnight on 2017-10-15 in São Paulo.
    #expect(
      try parse("on:2026-03-29", tz: "Europe/Berlin")
        == .time(from: try milliseconds("2026-03-28T23:00:00Z"), to: try milliseconds("2026-03-29T22:00:00Z")))
    #expect(
      try parse("on:2017-10-15", tz: "America/Sao_Paulo")
        == .time(from: try milliseconds("2017-10-15T03:00:00Z"), to: try milliseconds("2017-10-16T02:00:00Z")))
  }

  @Test func relativeTimesCountBackFromNow() throws {
    #expect(try parse("after:7d") == .time(from: noon - 7 * day, to: nil))
    #expect(try parse("during:7d") == .time(from: noon - 7 * day, to: nil))
    #expect(try parse("before:7d") == .time(from: nil, to: noon - 7 * day))
    #expect(try parse("after:12h") == .time(from: noon - day / 2, to: nil))
    #expect(try parse("after:2w") == .time(from: noon - 14 * day, to: nil))
    #expect(try parse("on:today") == .time(from: noon - day / 2, to: noon + day / 2))
    #expect(try parse("on:yesterday") == .time(from: noon - day * 3 / 2, to: noon - day / 2))
  }
}
