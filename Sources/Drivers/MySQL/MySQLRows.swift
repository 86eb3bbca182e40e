import CMariaDB

/// Rows of values for one statement that is executed with each of them, in one request (MariaDB's `COM_STMT_BULK_EXECUTE`).
///
/// Values lie column by column, as the client library takes them. Texts lie one behind the other; until the statement is
/// executed, their cells hold offsets.
public struct MySQLRows: Sendable {
  public enum Column: Sendable {
    case integer, text
  }

  let columns: [Column]
  public let count: Int
  fileprivate var cells: [Int64]
  fileprivate var lengths: [UInt]
  fileprivate var indicators: [CChar]
  fileprivate var text: [UInt8] = []
  private var row = 0
  private var column = 0

  /// Room for `count` rows, to be filled by appending value after value, row after row.
  ///
  /// - Parameter textBytes: bytes that all texts have together, about.
  public init(_ columns: [Column], count: Int, textBytes: Int) {
    self.columns = columns
    self.count = count
    let size = columns.count * count
    cells = Array(repeating: 0, count: size)
    lengths = Array(repeating: 0, count: size)
    indicators = Array(repeating: Self.null, count: size)
    text.reserveCapacity(textBytes)
  }

  /// Whether each row has all of its values.
  var isComplete: Bool { row == count && column == 0 }

  public mutating func append(_ integer: Int64) {
    guard let index = nextIndex() else { return }
    cells[index] = integer
    indicators[index] = 0
  }

  public mutating func append(_ string: String) {
    guard let index = nextIndex() else { return }
    cells[index] = Int64(text.count)
    text.append(contentsOf: string.utf8)
    lengths[index] = UInt(text.count - Int(cells[index]))
    indicators[index] = 0
  }

  public mutating func append(_ integer: Int64?) {
    if let integer { append(integer) } else { _ = nextIndex() }
  }

  public mutating func append(_ string: String?) {
    if let string { append(string) } else { _ = nextIndex() }
  }

  private static let null = CChar(STMT_INDICATOR_NULL.rawValue)

  /// Where the next value goes; `nil` once all rows are full.
  private mutating func nextIndex() -> Int? {
    guard row < count else { return nil }
    let index = column * count + row
    column += 1
    if column == columns.count { (row, column) = (row + 1, 0) }
    return index
  }
}

/// The memory that rows lie in while a statement executes with each of them.
@safe final class MySQLRowArguments {
  let binds: UnsafeMutablePointer<MYSQL_BIND>
  private let cells: UnsafeMutablePointer<Int64>
  private let lengths: UnsafeMutablePointer<UInt>
  private let indicators: UnsafeMutablePointer<CChar>
  private let text: UnsafeMutablePointer<UInt8>

  init(_ rows: MySQLRows) {
    unsafe cells = Self.copy(rows.cells)
    unsafe lengths = Self.copy(rows.lengths)
    unsafe indicators = Self.copy(rows.indicators)
    unsafe text = Self.copy(rows.text)
    unsafe binds = .allocate(capacity: max(1, rows.columns.count))
    for (number, column) in rows.columns.enumerated() {
      let first = number * rows.count
      // A text's cell is its address.
      if column == .text { unsafe Self.add(Int64(Int(bitPattern: text)), to: cells + first, count: rows.count) }
      var bind = unsafe MYSQL_BIND()
      unsafe bind.buffer_type = column == .text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG
      unsafe bind.buffer = UnsafeMutableRawPointer(cells + first)
      unsafe bind.length = lengths + first
      unsafe bind.u.indicator = indicators + first
      unsafe (binds + number).initialize(to: bind)
    }
  }

  deinit {
    unsafe binds.deallocate()
    unsafe cells.deallocate()
    unsafe lengths.deallocate()
    unsafe indicators.deallocate()
    unsafe text.deallocate()
  }

  private static func copy<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
    unsafe values.withUnsafeBufferPointer { source in
      if let first = source.baseAddress { unsafe memory.initialize(from: first, count: source.count) }
    }
    return unsafe memory
  }

  private static func add(_ offset: Int64, to cells: UnsafeMutablePointer<Int64>, count: Int) {
    for index in 0..<count { unsafe cells[index] &+= offset }
  }
}
