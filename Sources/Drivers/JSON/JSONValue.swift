/// A JSON document as a value. Objects keep the order of their members; of members with one name the last counts.
public enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  case integer(Int64)
  /// A number with a fraction or an exponent, or an integer outside of `Int64`.
  case number(Double)
  /// Such a number where a `Double` would not give back what was written: its text.
  case numeral(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// - Throws: `JSONError` with the offset of the first byte that does not fit.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes)
    self = try parser.parseDocument()
  }

  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  public subscript(name: String) -> JSONValue? { object?[name] }

  public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
  public var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }
  public var string: String? { if case .string(let string) = self { string } else { nil } }
  public var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
  public var isNull: Bool { self == .null }

  /// An integer, also where it was written as `3.0` or `3e2`.
  public var integer: Int64? {
    switch self {
    case .integer(let integer): integer
    case .number(let number): Int64(exactly: number)
    case .numeral(let text): Double(text).flatMap { Int64(exactly: $0) }
    default: nil
    }
  }

  public var number: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    case .numeral(let text): Double(text)
    default: nil
    }
  }

  /// JSON text of this value, without spaces. Numbers that were parsed are as they came.
  public var compact: String {
    var writer = JSONWriter()
    writer.value(self)
    return writer.string
  }
}

/// The members of a JSON object in their order.
public struct JSONObject: Sendable, Equatable {
  public var members: [(name: String, value: JSONValue)]

  public init(_ members: [(name: String, value: JSONValue)] = []) { self.members = members }

  /// The last member of that name. Linear: objects on the wire are small.
  public subscript(name: String) -> JSONValue? {
    // In place: looking with `last(where:)` copies each member.
    var index = members.endIndex
    while index > members.startIndex {
      index -= 1
      if members[index].name == name { return members[index].value }
    }
    return nil
  }

  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
  }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// What was expected or wrong, in a few words.
  public var reason: String
  /// Bytes from the start of the text.
  public var offset: Int

  public var description: String { "\(reason) at byte \(offset)" }
}

extension JSONWriter {
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .boolean(let flag): self.value(flag)
    case .integer(let integer): self.value(integer)
    case .number(let number): self.value(number)
    case .numeral(let text): raw(text)
    case .string(let string): self.value(string)
    case .array(let values): array { for value in values { $0.value(value) } }
    case .object(let object):
      self.object {
        for member in object.members {
          $0.key(member.name)
          $0.value(member.value)
        }
      }
    }
  }
}
