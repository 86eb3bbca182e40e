import Testing

@testable import Drivers

@Suite struct JSONTests {
  @Test func writingAndParsingAgainGivesTheValue() throws {
    let text = #"{"a":[1,-2,3.5,true,null],"b":{"c":"q\"\\\n\u0001é😀"},"":""}"#
    let value = try JSONValue(parsing: text)
    #expect(try JSONValue(parsing: value.compact) == value)
    #expect(value["b"]?["c"]?.string == "q\"\\\n\u{1}é😀")
    #expect(value["a"]?.array?[2].number == 3.5)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":}", "01", "1.", "1e", "\"\u{1}\"", "tru", "[1] 2", "\"\\x\"", "\"abc", "-", "nul", "{a:1}",
    "1e999",
  ])
  func whatIsNoJSONIsRefused(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func nestingIsBounded() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
  }

  @Test func surrogatesArePairedAndLoneOnesReplaced() throws {
    #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == .string("😀"))
    #expect(try JSONValue(parsing: #""\ud83dx""#) == .string("\u{FFFD}x"))
    #expect(try JSONValue(parsing: #""\ud83d\u0041""#) == .string("\u{FFFD}A"))
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
  }

  @Test func integersKeepTheirPrecision() throws {
    #expect(try JSONValue(parsing: "9223372036854775807").integer == .max)
    #expect(try JSONValue(parsing: "-9223372036854775808").integer == .min)
    #expect(try JSONValue(parsing: "9223372036854775808").integer == nil)
    #expect(try JSONValue(parsing: "9223372036854775808").number == 9_223_372_036_854_775_808)
    #expect(try JSONValue(parsing: "3e2").integer == 300)
    #expect(try JSONValue(parsing: "3.0").integer == 3)
  }

  @Test(arguments: [
    "12345678901234567890", "-12345678901234567890", "2.50", "3.14159265358979323846", "1E5", "1e-7", "-0.0",
  ])
  func numbersAreWrittenAsTheyCame(text: String) throws {
    #expect(try JSONValue(parsing: "[\(text)]").compact == "[\(text)]")
  }
}
