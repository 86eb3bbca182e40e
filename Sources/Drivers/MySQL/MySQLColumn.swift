import CMariaDB

/// What decides how a column's values are decoded.
struct MySQLColumn {
  var isInteger: Bool
  var isUnsigned: Bool
  /// Bytes without a character set, as opposed to text, decimals and times.
  var isBinary: Bool

  /// The number that the protocol gives to the character set `binary`.
  private static let binaryCharacterSet: UInt32 = 63

  init(_ field: MYSQL_FIELD) {
    let type = unsafe field.type
    isInteger = Self.integerTypes.contains(type.rawValue)
    isUnsigned = unsafe field.flags & UInt32(UNSIGNED_FLAG) != 0
    let hasNoCharacterSet = unsafe field.charsetnr == Self.binaryCharacterSet
    isBinary =
      type == MYSQL_TYPE_BIT || type == MYSQL_TYPE_GEOMETRY
      || (hasNoCharacterSet && Self.stringTypes.contains(type.rawValue))
  }

  /// The value of bytes as they came: decimal digits for an integer.
  func value(_ bytes: UnsafeRawBufferPointer) -> SQLValue {
    if isBinary { return .blob(unsafe Array(bytes)) }
    let text = unsafe String(decoding: bytes, as: UTF8.self)
    // Beyond Int64 an unsigned integer stays text rather than losing its value.
    return isInteger ? Int64(text).map(SQLValue.integer) ?? .text(text) : .text(text)
  }

  /// The value of an integer column's eight bytes.
  func value(integer bits: Int64) -> SQLValue {
    isUnsigned && bits < 0 ? .text(String(UInt64(bitPattern: bits))) : .integer(bits)
  }

  private static let integerTypes = Set(
    [MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_YEAR]
      .map(\.rawValue))
  private static let stringTypes = Set(
    [
      MYSQL_TYPE_STRING, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_VARCHAR, MYSQL_TYPE_TINY_BLOB, MYSQL_TYPE_BLOB,
      MYSQL_TYPE_MEDIUM_BLOB, MYSQL_TYPE_LONG_BLOB,
    ].map(\.rawValue))
}

/// The columns of a result, from its metadata.
enum MySQLMetadata {
  static func columns(of result: UnsafeMutablePointer<MYSQL_RES>) -> [MySQLColumn] {
    guard let fields = unsafe mysql_fetch_fields(result) else { return [] }
    let count = Int(unsafe mysql_num_fields(result))
    return unsafe UnsafeBufferPointer(start: fields, count: count).map { unsafe MySQLColumn($0) }
  }
}
