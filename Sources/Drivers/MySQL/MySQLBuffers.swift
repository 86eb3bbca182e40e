import CMariaDB

/// The memory that a statement's arguments lie in while it executes.
@safe final class MySQLArguments {
  let binds: UnsafeMutablePointer<MYSQL_BIND>
  private let memory: UnsafeMutableRawPointer
  private let count: Int

  var isEmpty: Bool { count == 0 }

  init(_ values: [SQLValue]) {
    count = values.count
    unsafe binds = .allocate(capacity: max(1, values.count))
    let size = values.reduce(0) { $0 + Self.size($1) }
    unsafe memory = .allocate(byteCount: max(1, size), alignment: Self.alignment)
    var offset = 0
    for (index, value) in values.enumerated() {
      unsafe (binds + index).initialize(to: Self.bind(value, at: memory + offset))
      offset += Self.size(value)
    }
  }

  deinit {
    unsafe binds.deallocate()
    unsafe memory.deallocate()
  }

  private static let alignment = MemoryLayout<Int64>.alignment

  /// Bytes that a value takes, rounded up so that the next is aligned.
  private static func size(_ value: SQLValue) -> Int {
    let bytes =
      switch value {
      case .null: 0
      case .integer: MemoryLayout<Int64>.size
      case .text(let text): text.utf8.count
      case .blob(let bytes): bytes.count
      }
    return (bytes + alignment) / alignment * alignment
  }

  private static func bind(_ value: SQLValue, at memory: UnsafeMutableRawPointer) -> MYSQL_BIND {
    var bind = unsafe MYSQL_BIND()
    unsafe bind.buffer = memory
    switch value {
    case .null:
      unsafe bind.buffer_type = MYSQL_TYPE_NULL
    case .integer(let integer):
      unsafe bind.buffer_type = MYSQL_TYPE_LONGLONG
      unsafe memory.storeBytes(of: integer, as: Int64.self)
    case .text(var text):
      unsafe bind.buffer_type = MYSQL_TYPE_STRING
      unsafe bind.buffer_length = UInt(text.utf8.count)
      text.withUTF8 { unsafe copy(UnsafeRawBufferPointer($0), to: memory) }
    case .blob(let bytes):
      unsafe bind.buffer_type = MYSQL_TYPE_BLOB
      unsafe bind.buffer_length = UInt(bytes.count)
      unsafe bytes.withUnsafeBytes { unsafe copy($0, to: memory) }
    }
    return unsafe bind
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer) {
    guard let source = bytes.baseAddress else { return }
    unsafe memory.copyMemory(from: source, byteCount: bytes.count)
  }
}

/// The memory that a row's values are fetched into: eight bytes for an integer, `inlineBytes` for anything else.
@safe final class MySQLResultBuffers {
  let binds: UnsafeMutablePointer<MYSQL_BIND>
  private let memory: UnsafeMutableRawPointer
  private let lengths: UnsafeMutablePointer<UInt>
  private let nulls: UnsafeMutablePointer<my_bool>

  /// Longer values take a second call.
  private static let inlineBytes = 1_024

  init(_ columns: [MySQLColumn]) {
    unsafe binds = .allocate(capacity: columns.count)
    unsafe memory = .allocate(byteCount: columns.count * Self.inlineBytes, alignment: 16)
    unsafe lengths = .allocate(capacity: columns.count)
    unsafe lengths.initialize(repeating: 0, count: columns.count)
    unsafe nulls = .allocate(capacity: columns.count)
    unsafe nulls.initialize(repeating: 0, count: columns.count)
    for (index, column) in columns.enumerated() {
      var bind = unsafe MYSQL_BIND()
      unsafe bind.buffer = memory + index * Self.inlineBytes
      unsafe bind.buffer_type = column.isInteger ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING
      unsafe bind.buffer_length = UInt(column.isInteger ? MemoryLayout<Int64>.size : Self.inlineBytes)
      unsafe bind.is_unsigned = column.isUnsigned ? 1 : 0
      unsafe bind.length = lengths + index
      unsafe bind.is_null = nulls + index
      unsafe (binds + index).initialize(to: bind)
    }
  }

  deinit {
    unsafe binds.deallocate()
    unsafe memory.deallocate()
    unsafe lengths.deallocate()
    unsafe nulls.deallocate()
  }

  /// Bytes of the value that was fetched, whether or not they all fit.
  func length(at index: Int) -> Int { Int(clamping: unsafe lengths[index]) }

  /// The value in a column of the row that was fetched; `nil` if it is longer than its buffer.
  func value(at index: Int, _ column: MySQLColumn) -> SQLValue? {
    if unsafe nulls[index] != 0 { return .null }
    let start = unsafe memory + index * Self.inlineBytes
    if column.isInteger { return column.value(integer: unsafe start.load(as: Int64.self)) }
    let length = length(at: index)
    guard length <= Self.inlineBytes else { return nil }
    return unsafe column.value(UnsafeRawBufferPointer(start: start, count: length))
  }
}

extension MySQLColumn {
  func decoded(_ bytes: [UInt8]) -> SQLValue { isBinary ? .blob(bytes) : .text(String(decoding: bytes, as: UTF8.self)) }
}
