import CMariaDB

/// Sorts MySQL's and MariaDB's error numbers.
enum MySQLErrorKind {
  static func kind(ofCode code: Int) -> SQLError.Kind {
    if code == 1062 || code == 1586 { return .duplicateKey }
    if conflicts.contains(code) { return .conflict }
    if unavailable.contains(code) { return .unavailable }
    return .other
  }

  /// Lock wait timeout, deadlock, MariaDB's "record has changed since last read", XA deadlock, NOWAIT.
  private static let conflicts: Set<Int> = [1205, 1213, 1020, 1614, 3572]

  /// The client library's own (2xxx, 5013, 5014), and what a server says that has no room, stops, or ends a connection;
  /// 1290 and 1836 are a server that is read-only by now: the connection is to the wrong one; 1021, 1026 and 1114 are a
  /// full disk.
  private static let unavailable: Set<Int> = [
    1021, 1026, 1040, 1043, 1053, 1077, 1079, 1080, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290,
    1317, 1836, 1927,
    2000, 2001, 2002, 2003, 2004, 2005, 2006, 2012, 2013, 2026, 2055, 3168, 4031, 5013, 5014,
  ]

  /// After these the conversation has lost its thread, whatever the server's state.
  static let outOfStep: Set<Int> = [2008, 2014, 2027]
}

extension SQLError {
  /// - Parameter message: the words of the server or of the client library.
  init(mysqlCode code: Int, message: String) {
    self.init(kind: MySQLErrorKind.kind(ofCode: code), code: code, message: message)
  }

  /// A refusal of our own, before anything was sent.
  static func misuse(_ message: String) -> SQLError { SQLError(kind: .other, code: 0, message: message) }
}
