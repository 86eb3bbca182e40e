import Testing

@testable import Drivers

@Suite struct MySQLTextTests {
  @Test(arguments: [Int64.min, -1, 0, 9, 10, .max])
  func integersAreWrittenInDecimal(integer: Int64) {
    var sql = MySQLText()
    sql.append(integer)
    #expect(sql.bytes == Array(String(integer).utf8))
  }

  @Test func quotesAndBackslashesAreEscaped() {
    var sql = MySQLText()
    sql.append(quoted: "a'b\"c\\d\0e\nf\u{1A}g")
    #expect(String(decoding: sql.bytes, as: UTF8.self) == #"'a\'b\"c\\d\0e\nf\Zg'"#)
  }

  @Test func versionsAreCompared() {
    #expect(MySQLDurability.version("10.11.6-MariaDB-0+deb12u1").isOK)
    #expect(MySQLDurability.version("8.4.0").isOK)
    #expect(!MySQLDurability.version("10.5.9-MariaDB").isOK)
    #expect(!MySQLDurability.version("5.7.44-log").isOK)
    #expect(!MySQLDurability.version("?").isOK)
  }

  @Test func errorsAreSorted() {
    #expect(SQLError(mysqlCode: 1062, message: "").kind == .duplicateKey)
    for code in [1205, 1213, 1020] { #expect(SQLError(mysqlCode: code, message: "").kind == .conflict) }
    for code in [2002, 2003, 2006, 2013, 1053, 1927, 4031] {
      #expect(SQLError(mysqlCode: code, message: "").kind == .unavailable)
    }
    #expect(SQLError(mysqlCode: 1146, message: "").kind == .other)
  }
}
