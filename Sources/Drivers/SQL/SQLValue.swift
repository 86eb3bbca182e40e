/// A value that goes into or comes out of a SQL statement.
///
/// Text that is compared byte by byte (names, refs) travels as `.text` too: columns are binary in MySQL and `BLOB` or
/// `TEXT COLLATE BINARY` in SQLite, so both compare bytes.
public enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])

  public static func optional(_ integer: Int64?) -> SQLValue { integer.map(SQLValue.integer) ?? .null }
  public static func optional(_ text: String?) -> SQLValue { text.map(SQLValue.text) ?? .null }
}

extension SQLValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(nilLiteral: ()) { self = .null }
}

/// One row of a result, read by column index.
public struct SQLRow: Sendable, Equatable {
  public var values: [SQLValue]

  public init(_ values: [SQLValue]) { self.values = values }

  /// The integer in a column; `nil` where it is NULL, or is no integer.
  public func integer(_ column: Int) -> Int64? {
    switch values[column] {
    case .integer(let integer): integer
    case .text(let text): Int64(text)
    case .null, .blob: nil
    }
  }

  /// The text in a column; bytes are decoded as UTF-8. `nil` where it is NULL.
  public func text(_ column: Int) -> String? {
    switch values[column] {
    case .text(let text): text
    case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
    case .integer(let integer): String(integer)
    case .null: nil
    }
  }
}

/// What a statement that returns no rows did.
public struct SQLResult: Sendable, Equatable {
  public var affectedRows: Int64
  public var lastInsertID: Int64

  public init(affectedRows: Int64, lastInsertID: Int64) {
    self.affectedRows = affectedRows
    self.lastInsertID = lastInsertID
  }
}
