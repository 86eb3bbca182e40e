import CSQLite

/// A test of two texts that statements may call by its name. It must depend on nothing but its arguments.
public struct SQLiteFunction: Sendable {
  public var name: String
  public var test: @Sendable (_ first: String, _ second: String) -> Bool

  public init(name: String, test: @escaping @Sendable (_ first: String, _ second: String) -> Bool) {
    self.name = name
    self.test = test
  }

  /// Makes it known to a connection, which then owns a reference to it.
  func define(on database: OpaquePointer) throws(SQLError) {
    let box = unsafe Unmanaged.passRetained(Box(test)).toOpaque()
    let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC
    // "The destructor is also invoked if the call to sqlite3_create_function_v2() fails."
    let code = unsafe sqlite3_create_function_v2(
      database, name, 2, flags, box,
      { context, count, arguments in unsafe Self.call(context, count, arguments) }, nil, nil,
      { box in if let box = unsafe box { unsafe Unmanaged<Box>.fromOpaque(box).release() } })
    guard code == SQLITE_OK else { throw unsafe SQLError(sqlite: code, database: database) }
  }

  private final class Box: Sendable {
    let test: @Sendable (String, String) -> Bool
    init(_ test: @escaping @Sendable (String, String) -> Bool) { self.test = test }
  }

  private static func call(
    _ context: OpaquePointer?, _ count: Int32, _ arguments: UnsafeMutablePointer<OpaquePointer?>?
  ) {
    guard let arguments = unsafe arguments, count == 2, let box = unsafe sqlite3_user_data(context) else { return }
    let test = unsafe Unmanaged<Box>.fromOpaque(box).takeUnretainedValue().test
    let isTrue = test(unsafe text(arguments[0]), unsafe text(arguments[1]))
    unsafe sqlite3_result_int(context, isTrue ? 1 : 0)
  }

  private static func text(_ value: OpaquePointer?) -> String {
    guard let start = unsafe sqlite3_value_blob(value) else { return "" }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
