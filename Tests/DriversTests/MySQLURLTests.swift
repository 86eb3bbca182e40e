import Testing

@testable import Drivers

@Suite struct MySQLURLTests {
  @Test func allPartsAreDecoded() throws {
    let url = try MySQLURL("mysql://jo%40hn:p%3Aa%2Fs%40s@db.example:3307/ch%61t?ssl=required")
    #expect(url.user == "jo@hn")
    #expect(url.password == "p:a/s@s")
    #expect(url.host == "db.example")
    #expect(url.port == 3307)
    #expect(url.database == "chat")
    #expect(url.encryption == .required)
  }

  @Test func whatIsLeftOutHasDefaults() throws {
    let url = try MySQLURL("mysql://john@[::1]/")
    #expect(url.password.isEmpty)
    #expect(url.host == "::1")
    #expect(url.port == 3306)
    #expect(url.database == nil)
    #expect(url.encryption == .disabled)
  }

  @Test func namingAuthoritiesMeansVerifying() throws {
    let url = try MySQLURL("mysql://a:b@c/d?ssl_ca=%2Fetc%2Fca.pem")
    #expect(url.encryption == .verify)
    #expect(url.certificateAuthorities == "/etc/ca.pem")
  }

  @Test(arguments: [
    ("http://john:secret@host/x", "mysql://"), ("mysql://host/x", "user"), ("mysql://:secret@host/x", "user"),
    ("mysql://john:secret@/x", "host"), ("mysql://john:secret@host:0/x", "port"),
    ("mysql://john:secret@host:99999/x", "port"), ("mysql://john:secret@host:/x", "port"),
    ("mysql://john:secret@host/x?ssl=maybe", "disabled, required, verify"),
    ("mysql://john:secret@host/x?what=1", "what"), ("mysql://john:secret@host/x?ssl_ca=", "ssl_ca"),
    ("mysql://john:secret%zz@host/x", "password"), ("mysql://john:secret@[::1/x", "port"),
  ])
  func anErrorNamesThePartAndNotThePassword(text: String, part: String) {
    let error = #expect(throws: MySQLURLError.self) { try MySQLURL(text) }
    #expect(error?.description.contains(part) == true)
    #expect(error?.description.contains("secret") == false)
  }

  @Test func aDescriptionHidesThePassword() throws {
    #expect(try MySQLURL("mysql://a:b@c/d").description == "mysql://a:***@c:3306/d")
  }
}
