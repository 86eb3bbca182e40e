/// One argument of a command: bytes, whatever is in them.
public enum RedisArgument: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByIntegerLiteral
{
  case text(String)
  case bytes([UInt8])
  case integer(Int64)

  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
}

/// Writes commands as Redis reads them: arrays of bulk strings.
///
/// Format: https://redis.io/docs/latest/develop/reference/protocol-spec/
enum RedisCommandEncoder {
  static func append(_ arguments: [RedisArgument], to output: inout [UInt8]) {
    appendHeader(UInt8(ascii: "*"), arguments.count, to: &output)
    for argument in arguments {
      switch argument {
      case .text(let text): append(text.utf8, to: &output)
      case .bytes(let bytes): append(bytes, to: &output)
      case .integer(let integer): append("\(integer)".utf8, to: &output)
      }
    }
  }

  private static func append(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
    appendHeader(UInt8(ascii: "$"), bytes.count, to: &output)
    output.append(contentsOf: bytes)
    output.append(contentsOf: [0x0D, 0x0A])
  }

  private static func appendHeader(_ type: UInt8, _ count: Int, to output: inout [UInt8]) {
    output.append(type)
    output.append(contentsOf: String(count).utf8)
    output.append(contentsOf: [0x0D, 0x0A])
  }
}
