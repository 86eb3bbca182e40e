import CMariaDB

/// The client library's beginnings.
enum MySQLLibrary {
  /// "This function should be called before any other function in multi-threaded programs" (`mysql_library_init`).
  static let isReady: Bool = mysql_server_init(0, nil, nil) == 0

  static func set(_ options: MySQLOptions, _ url: MySQLURL, on handle: UnsafeMutablePointer<MYSQL>) {
    unsafe set(MYSQL_OPT_CONNECT_TIMEOUT, options.connectTimeout, on: handle)
    unsafe set(MYSQL_OPT_READ_TIMEOUT, options.readTimeout, on: handle)
    unsafe set(MYSQL_OPT_WRITE_TIMEOUT, options.writeTimeout, on: handle)
    unsafe set(MYSQL_OPT_LOCAL_INFILE, 0, on: handle)
    // TCP even to "localhost", which the library takes for a socket file.
    unsafe set(MYSQL_OPT_PROTOCOL, MYSQL_PROTOCOL_TCP.rawValue, on: handle)
    _ = unsafe mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
    guard url.encryption != .disabled else { return }
    unsafe set(flag: MYSQL_OPT_SSL_ENFORCE, true, on: handle)
    unsafe set(flag: MYSQL_OPT_SSL_VERIFY_SERVER_CERT, url.encryption == .verify, on: handle)
    if let file = url.certificateAuthorities { _ = unsafe mysql_options(handle, MYSQL_OPT_SSL_CA, file) }
  }

  private static func set(_ option: mysql_option, _ value: UInt32, on handle: UnsafeMutablePointer<MYSQL>) {
    var value = value
    _ = unsafe mysql_options(handle, option, &value)
  }

  private static func set(flag option: mysql_option, _ isOn: Bool, on handle: UnsafeMutablePointer<MYSQL>) {
    var value: my_bool = isOn ? 1 : 0
    _ = unsafe mysql_options(handle, option, &value)
  }
}
