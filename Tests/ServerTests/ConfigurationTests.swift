import Testing

@testable import server

/// What a configuration is made of, and what it becomes.
private struct Situation: Sendable, CustomTestStringConvertible {
  var arguments: [String] = []
  var environment: [String: String] = [:]
  var files: [String: String] = [:]
  /// What the one line of the error holds; empty: no error.
  var mentions: [String] = []

  var testDescription: String { "\(arguments) \(environment)" }

  func parse() throws -> Configuration {
    try Configuration.parse(arguments: arguments, environment: environment) { files[$0] }
  }
}

private let stack = [
  "--database", "mysql://palaver:s3cret@db:3306/palaver", "--redis", "redis://cache:6379/0",
  "--elasticsearch", "http://one:9200,https://elastic:pw@two:9200",
]

@Suite struct ConfigurationTests {
  @Test func nothingSetIsTheEmbeddedProfileInOpenMode() throws {
    let configuration = try Situation().parse()
    #expect(configuration.profile == .embedded(folder: "./palaver-data"))
    #expect(configuration.listen == ListenAddress(host: "127.0.0.1", port: 8_081))
    #expect(configuration.authentication == .open(isAllowedAnywhere: false))
    #expect(configuration.role == .all)
    #expect(configuration.journalKeep == 86_400_000)
    #expect(configuration.drain == 10_000)
    #expect(configuration.isMigrating)
    #expect(configuration.logLevel == .info)
  }

  @Test func threeURLsAreTheStack() throws {
    let configuration = try Situation(
      arguments: stack + ["--auth", "token"], environment: ["PALAVER_JWT_SECRET": "new,old"]
    ).parse()
    guard case .stack(let stack) = configuration.profile else {
      Issue.record("not the stack")
      return
    }
    #expect(stack.database.password == "s3cret")
    #expect(stack.database.database == "palaver")
    #expect(stack.redis.port == 6_379)
    #expect(stack.elasticsearch == ["http://one:9200", "https://elastic:pw@two:9200"])
    #expect(stack.indexPrefix == "palaver")
    #expect(stack.redisPrefix == nil)
    #expect(configuration.jwtSecrets == ["new", "old"])
  }

  @Test func aFlagBeatsTheEnvironmentAndThatTheFile() throws {
    let files = ["p.toml": "listen = \"127.0.0.1:1\"\ndrain = 3s\nlog = 'debug'\n"]
    let environment = ["PALAVER_LISTEN": "127.0.0.1:2", "PALAVER_DRAIN": "4s"]
    let all = try Situation(
      arguments: ["--config", "p.toml", "--listen=127.0.0.1:3"], environment: environment, files: files
    ).parse()
    #expect(all.listen.port == 3)
    #expect(all.drain == 4_000)
    #expect(all.logLevel == .debug)
  }

  @Test func aSecretComesFromAFileToo() throws {
    let files = ["/run/url": "mysql://u:p@db/name\n", "/run/jwt": "first\nsecond\n"]
    let configuration = try Situation(
      arguments: Array(stack[2...]) + ["--auth", "token"],
      environment: ["PALAVER_DATABASE_URL_FILE": "/run/url", "PALAVER_JWT_SECRET_FILE": "/run/jwt"], files: files
    ).parse()
    #expect(configuration.jwtSecrets == ["first", "second"])
    #expect(!configuration.isEmbedded)
  }

  @Test func anEmptyVariableCountsAsNotSet() throws {
    #expect(try Situation(environment: ["PALAVER_LISTEN": "", "PALAVER_REDIS_URL": ""]).parse().isEmbedded)
  }

  @Test func twoPublicKeysAreKeptApart() throws {
    let pem = { (body: String) -> String in "-----BEGIN PUBLIC KEY-----\n\(body)\n-----END PUBLIC KEY-----\n" }
    let configuration = try Situation(
      arguments: ["--auth=token"], environment: ["PALAVER_JWT_KEY": pem("AAAA") + pem("BBBB")]
    ).parse()
    #expect(configuration.jwtKeys == [pem("AAAA"), pem("BBBB")])
  }

  @Test(arguments: [
    Situation(arguments: ["--listen", "8081"], mentions: ["--listen", "'8081'", "HOST:PORT"]),
    Situation(arguments: ["--listen", "127.0.0.1:70000"], mentions: ["--listen", "70000"]),
    Situation(arguments: ["--listen"], mentions: ["--listen HOST:PORT"]),
    Situation(environment: ["PALAVER_LISTEN": "nowhere"], mentions: ["PALAVER_LISTEN", "'nowhere'"]),
    Situation(arguments: ["--drain", "10"], mentions: ["--drain", "'10'", "10s"]),
    Situation(arguments: ["--drain=-1s"], mentions: ["--drain", "'-1s'"]),
    Situation(arguments: ["--journal-keep", "99999999999999999999d"], mentions: ["--journal-keep"]),
    Situation(arguments: ["--migrate", "maybe"], mentions: ["maybe"]),
    Situation(arguments: ["--migrate=maybe"], mentions: ["--migrate", "true or false"]),
    Situation(arguments: ["--log", "loud"], mentions: ["--log", "debug, info, warning, error"]),
    Situation(arguments: ["--role", "boss"], mentions: ["--role", "all, edge, indexer"]),
    Situation(arguments: ["--role", "edge"], mentions: ["--role", "embedded"]),
    Situation(arguments: ["--auth", "none"], mentions: ["--auth", "open", "token"]),
    Situation(arguments: ["--auth", "token"], mentions: ["--auth", "PALAVER_JWT_SECRET"]),
    Situation(arguments: ["--listen", "0.0.0.0:80"], mentions: ["--listen", "--allow-open"]),
    Situation(arguments: ["--listen", "[::]:80"], mentions: ["[::]:80", "--allow-open"]),
    Situation(arguments: ["--databse", "x"], mentions: ["--databse", "did you mean --database"]),
    Situation(arguments: ["extra"], mentions: ["extra"]),
    Situation(arguments: Array(stack[..<2]), mentions: ["--redis", "missing"]),
    Situation(arguments: Array(stack[2...]), mentions: ["--database", "missing"]),
    Situation(arguments: stack, mentions: ["--auth", "required"]),
    Situation(arguments: stack + ["--auth", "token"], mentions: ["PALAVER_JWT_SECRET"]),
    Situation(arguments: stack + ["--auth", "open", "--listen", "10.0.0.1:80"], mentions: ["--allow-open"]),
    Situation(arguments: stack + ["--auth", "open", "--data", "x"], mentions: ["--data"]),
    Situation(arguments: stack + ["--auth", "open", "--demo"], mentions: ["--demo"]),
    Situation(arguments: stack + ["--auth", "open", "--index-prefix", "Über"], mentions: ["--index-prefix"]),
    Situation(arguments: stack + ["--redis", "http://x"], mentions: ["--redis", "redis://"]),
    Situation(arguments: stack + ["--elasticsearch", "es:9200"], mentions: ["--elasticsearch"]),
    Situation(arguments: stack + ["--elasticsearch", "http://e:p@h:99999"], mentions: ["--elasticsearch", ":99999"]),
    Situation(arguments: ["--allow-origin", "app.example"], mentions: ["--allow-origin", "https://app.example"]),
    Situation(arguments: ["--config", "none.toml"], mentions: ["--config", "none.toml"]),
    Situation(environment: ["PALAVER_JWT_SECRET": "a,b,c"], mentions: ["PALAVER_JWT_SECRET", "two"]),
    Situation(environment: ["PALAVER_JWT_KEY": "garbage"], mentions: ["PALAVER_JWT_KEY", "PEM"]),
    Situation(environment: ["PALAVER_JWT_SECRET_FILE": "/none"], mentions: ["PALAVER_JWT_SECRET_FILE", "/none"]),
    Situation(
      environment: ["PALAVER_JWT_SECRET_FILE": "/f", "PALAVER_JWT_SECRET": "x"], files: ["/f": "y"],
      mentions: ["both"]),
    Situation(arguments: ["--jwt-secret", "x"], mentions: ["no flag --jwt-secret", "--jwt-secret-file"]),
    Situation(
      environment: ["PALAVER_CONFIG": "p"], files: ["p": "listne = 1"], mentions: ["p:1", "did you mean listen"]),
    Situation(environment: ["PALAVER_CONFIG": "p"], files: ["p": "\nlisten"], mentions: ["p:2"]),
    Situation(environment: ["PALAVER_CONFIG": "p"], files: ["p": "listen = \"x"], mentions: ["p:1", "listen"]),
    Situation(
      environment: ["PALAVER_CONFIG": "p"], files: ["p": "drain = 1s\ndrain = 2s"], mentions: ["p:2", "line 1"]),
    Situation(environment: ["PALAVER_CONFIG": "p"], files: ["p": "drain = soon"], mentions: ["p:1", "drain", "soon"]),
  ])
  private func aWrongValueIsOneLineWithWhereAndWhatAndTheExpected(wrong: Situation) {
    do {
      _ = try wrong.parse()
      Issue.record("accepted")
    } catch let error as ConfigurationError {
      #expect(!error.message.contains("\n"))
      for mention in wrong.mentions { #expect(error.message.contains(mention), "\(error.message)") }
    } catch {
      Issue.record(error)
    }
  }

  @Test(arguments: [
    Situation(arguments: ["--database", "mysql://palaver:hush-hush@db"]),
    Situation(arguments: [
      "--redis", "redis://:hush-hush@cache:x", "--database=mysql://u:hush-hush@h/n", "--elasticsearch=http://h",
    ]),
    Situation(arguments: stack + ["--elasticsearch", "http://a:hush-hush@h:9200,ftp://b:hush-hush@h"]),
    Situation(environment: ["PALAVER_JWT_SECRET": "hush-hush,hush-hush,hush-hush"]),
    Situation(environment: ["PALAVER_JWT_KEY": "hush-hush"]),
    Situation(arguments: ["--database", "mysql://palaver:hush@hush-hush/x@db:y/"]),
  ])
  private func secretsNeverShowInErrors(wrong: Situation) {
    do {
      _ = try wrong.parse()
      Issue.record("accepted")
    } catch {
      #expect(!"\(error)".contains("hush"), "\(error)")
    }
  }

  @Test func otherCommandsNeedNoAuthentication() throws {
    let configuration = try Configuration.parse(
      arguments: stack, environment: [:], readFile: { _ in nil }, purpose: .maintenance)
    #expect(!configuration.isEmbedded)
  }

  @Test func openModeOnAPublicAddressIsPossibleByName() throws {
    let configuration = try Situation(arguments: ["--listen", "0.0.0.0:80", "--allow-open"]).parse()
    #expect(configuration.authentication == .open(isAllowedAnywhere: true))
  }

  @Test(arguments: [
    (":0", "127.0.0.1:0", true), ("localhost:1", "localhost:1", true), ("[::1]:2", "[::1]:2", true),
    ("192.168.0.1:3", "192.168.0.1:3", false),
  ])
  func addressesAreRead(text: String, description: String, isLoopback: Bool) throws {
    let address = try #require(ListenAddress(text))
    #expect(address.description == description)
    #expect(address.isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("500ms", 500), ("10s", 10_000), ("15m", 900_000), ("24h", 86_400_000), ("7d", 604_800_000), ("0", 0),
  ])
  func timesAreRead(text: String, milliseconds: Int64) { #expect(TimeSpan.parse(text) == milliseconds) }

  @Test func theConfigFileTakesStringsListsAndWords() throws {
    let text = """
      # a comment
      listen = "127.0.0.1:8081"  # another
      allow_origin = [ "https://a.example", 'https://b.example' ]
      jwt-secret = "a \\"quoted\\" \\\\ one"
      migrate = false
      """
    let entries = try ConfigFile.parse(text, name: "x")
    #expect(entries["listen"]?.value == "127.0.0.1:8081")
    #expect(entries["allow-origin"]?.value == "https://a.example,https://b.example")
    #expect(entries["jwt-secret"]?.value == "a \"quoted\" \\ one")
    #expect(entries["migrate"] == ConfigFile.Entry(value: "false", line: 5))
  }
}
