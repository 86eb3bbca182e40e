import Testing

@testable import Drivers

@Suite struct JSONReaderTests {
  @Test func membersAreReadAndOthersSkipped() throws {
    let text =
      #" { "skip" : {"a":[1,"]}\"",{}]} , "n":-12,"big":9223372036854775807, "x":1.5e1,"s":"a\n\u00e9é","#
      + #""l":["p","q"],"e":[],"o":{},"t":true,"z":null } "#
    var reader = JSONReader(Array(text.utf8))
    var (integers, number, string, list, flag, isNull): ([Int64], Double, String, [String], Bool, Bool) =
      ([], 0, "", [], false, false)
    try reader.object { name, reader in
      switch name {
      case JSONReader.Name("n"), JSONReader.Name("big"): integers.append(try reader.integer())
      case JSONReader.Name("x"): number = try reader.number()
      case JSONReader.Name("s"): string = try reader.string()
      case JSONReader.Name("l"): try reader.array { list.append(try $0.string()) }
      case JSONReader.Name("e"): try reader.array { _ in Issue.record("nothing is there") }
      case JSONReader.Name("t"): flag = try reader.boolean()
      case JSONReader.Name("z"): isNull = try reader.skipNull()
      default: try reader.skip()
      }
    }
    #expect(integers == [-12, .max] && number == 15 && string == "a\néé" && list == ["p", "q"] && flag && isNull)
  }

  /// Whatever is cut or changed in it: an error or a value, never a trap.
  @Test func brokenTextIsRefusedOrRead() throws {
    let text = Array(
      #"{"hits":{"hits":[{"_source":{"text":"a\"b\\c é 😀","seq":12,"l":["x",1.5,null]},"_score":2}]}}"#.utf8)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        guard let index = bytes.indices.randomElement(using: &generator) else { continue }
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.removeLast(bytes.count - index)
        }
      }
      var reader = JSONReader(bytes)
      _ = try? Self.walk(&reader)
    }
    var whole = JSONReader(text)
    try Self.walk(&whole)
  }

  private static func walk(_ reader: inout JSONReader) throws {
    try reader.object { name, reader in
      switch name {
      case JSONReader.Name("hits"), JSONReader.Name("_source"):
        if reader.isObject { try walk(&reader) } else { try reader.array { try walk(&$0) } }
      case JSONReader.Name("text"): _ = try reader.string()
      case JSONReader.Name("seq"): _ = try reader.integer()
      default: _ = try reader.raw()
      }
    }
  }

  @Test func aValueCanBeHadAsItIsWritten() throws {
    for value in [#"{"a":[1, 2.50, {"b":"}\"]"}]}"#, #""é\"\n""#, "-1e5", "[]", "null"] {
      var reader = JSONReader(Array("[ \(value) ,1]".utf8))
      var values: [String] = []
      try reader.array { values.append(try $0.raw()) }
      #expect(values == [value, "1"])
    }
  }

  @Test(arguments: 0..<40)
  func stringsEndWhereTheyEndWhateverTheirLength(length: Int) throws {
    let plain = String(repeating: "é", count: length / 2) + String(repeating: "x", count: length)
    for text in [plain, plain + "\"", "\n" + plain, plain + "\\" + plain, plain + "\u{1}"] {
      var writer = JSONWriter()
      writer.value(text)
      var reader = JSONReader(writer.bytes)
      #expect(try reader.string() == text)
      #expect(try JSONValue(parsing: writer.bytes).string == text)
    }
  }
}
