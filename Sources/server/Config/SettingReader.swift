import ChatRooms
import Drivers
import HistoryIndex

/// Makes typed values of the settings' texts.
struct SettingReader {
  var values: SettingValues

  private func error(_ setting: Setting, expected: String) -> ConfigurationError {
    let value = values[setting]
    return ConfigurationError(
      value?.origin ?? setting.flag, got: setting.masked(value?.text ?? ""), expected: expected)
  }

  func oneOf<Choice: RawRepresentable & CaseIterable>(
    _ setting: Setting, default standard: Choice
  ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
    guard let value = values[setting] else { return standard }
    if let choice = Choice(rawValue: value.text) { return choice }
    throw error(setting, expected: "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
  }

  func flag(_ setting: Setting, default standard: Bool) throws(ConfigurationError) -> Bool {
    switch values[setting]?.text {
    case nil: return standard
    case "true", "1", "yes", "on": return true
    case "false", "0", "no", "off": return false
    default: throw error(setting, expected: "true or false")
    }
  }

  func span(_ setting: Setting, default standard: Milliseconds) throws(ConfigurationError) -> Milliseconds {
    guard let value = values[setting] else { return standard }
    if let span = TimeSpan.parse(value.text) { return span }
    throw error(setting, expected: "a time such as 500ms, 10s, 15m, 24h or 7d")
  }

  func count(_ setting: Setting, in range: ClosedRange<Int>, default standard: Int) throws(ConfigurationError) -> Int {
    guard let value = values[setting] else { return standard }
    if let number = Int(value.text), range.contains(number) { return number }
    throw error(setting, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Never less than refs are promised for: a client must be able to send again what it saw no answer to.
  func journalKeep() throws(ConfigurationError) -> Milliseconds {
    max(600_000, try span(.journalKeep, default: 24 * 3_600_000))
  }

  func backPressure() throws(ConfigurationError) -> BackPressure.Limits {
    let rows = try count(.journalLimit, in: 0...1_000_000_000_000, default: Int(BackPressure.Limits.defaultRows))
    return BackPressure.Limits(
      rows: Int64(rows), reserve: try size(.diskReserve, default: BackPressure.Limits.defaultReserve))
  }

  private func size(_ setting: Setting, default standard: Int64) throws(ConfigurationError) -> Int64 {
    guard let value = values[setting] else { return standard }
    if let size = ByteSize.parse(value.text) { return size }
    throw error(setting, expected: "a number of bytes such as 500000000, 256M or 2G")
  }

  func listen() throws(ConfigurationError) -> ListenAddress {
    guard let value = values[.listen] else { return ListenAddress(host: "127.0.0.1", port: 8_081) }
    if let address = ListenAddress(value.text) { return address }
    throw error(.listen, expected: "HOST:PORT such as 127.0.0.1:8081, [::1]:8081 or :0")
  }

  func profile() throws(ConfigurationError) -> Configuration.Profile {
    let urls = [Setting.database, .redis, .elasticsearch]
    let missing = urls.filter { values[$0] == nil }
    if missing.count == urls.count { return .embedded(folder: values[.data]?.text ?? "./palaver-data") }
    guard missing.isEmpty else {
      let given = urls.filter { values[$0] != nil }.map(\.flag).joined(separator: " and ")
      throw ConfigurationError(
        "\(missing[0].flag): missing; the stack needs --database, --redis and --elasticsearch, got only \(given) "
          + "(none of the three: embedded)")
    }
    if values[.data] != nil {
      throw error(.data, expected: "no --data beside --database, --redis and --elasticsearch")
    }
    let prefixes = (redis: values[.redisPrefix]?.text, index: values[.indexPrefix]?.text ?? "palaver")
    guard Self.isIndexPrefix(prefixes.index) else {
      throw error(.indexPrefix, expected: "lower-case letters, digits, - and _, beginning with a letter")
    }
    return .stack(
      Configuration.Stack(
        database: try databaseURL(), redis: try redisURL(), elasticsearch: try elasticsearchURLs(),
        elasticsearchKey: values[.elasticsearchKey]?.text, elasticsearchCA: values[.elasticsearchCA]?.text,
        redisPrefix: prefixes.redis, indexPrefix: prefixes.index,
        historyReads: try count(.historyReads, in: 1...10_000, default: ElasticsearchHistory.defaultReads)))
  }

  /// Elasticsearch's rules for the names of indices, a little narrower.
  private static func isIndexPrefix(_ text: String) -> Bool {
    guard let first = text.utf8.first, (0x61...0x7A).contains(first), text.utf8.count <= 64 else { return false }
    return text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
  }

  private func databaseURL() throws(ConfigurationError) -> MySQLURL {
    guard let url = try? MySQLURL(values[.database]?.text ?? ""), url.database != nil else {
      throw error(.database, expected: "mysql://user:password@host:3306/name")
    }
    return url
  }

  private func redisURL() throws(ConfigurationError) -> RedisURL {
    guard let url = try? RedisURL(values[.redis]?.text ?? "") else {
      throw error(.redis, expected: "redis://[:password@]host:6379/0")
    }
    return url
  }

  private func elasticsearchURLs() throws(ConfigurationError) -> [String] {
    let urls = values[.elasticsearch]?.text.split(separator: ",").map(\.trimmed) ?? []
    guard !urls.isEmpty, urls.allSatisfy({ HTTPNode(parsing: $0) != nil }) else {
      throw error(.elasticsearch, expected: "http(s)://[user:password@]host:9200, several with commas")
    }
    return urls
  }

  func secrets() throws(ConfigurationError) -> [String] {
    let separators: Set<Character> = [",", "\n", "\r\n"]
    let secrets =
      values[.jwtSecret]?.text.split(whereSeparator: separators.contains).map(\.trimmed)
      .filter { !$0.isEmpty } ?? []
    guard secrets.count <= 2 else { throw error(.jwtSecret, expected: "one secret, or two with a comma between") }
    return secrets
  }

  func keys() throws(ConfigurationError) -> [String] {
    guard let text = values[.jwtKey]?.text else { return [] }
    let marker = "-----BEGIN "
    // Variables often carry line breaks as \n.
    let blocks = text.replacing("\\n", with: "\n").split(separator: marker).filter { !$0.trimmed.isEmpty }
    let keys = blocks.map { marker + $0.trimmed + "\n" }
    guard (1...2).contains(keys.count), text.hasPrefix(marker), keys.allSatisfy({ $0.contains("PUBLIC KEY-----\n") })
    else { throw error(.jwtKey, expected: "one or two PEM public keys (-----BEGIN PUBLIC KEY-----)") }
    return keys
  }

  func origins() throws(ConfigurationError) -> [String] {
    let origins = values[.allowOrigin]?.text.split(separator: ",").map(\.trimmed) ?? []
    for origin in origins where origin != "*" {
      guard let url = EndpointURL(origin), ["http", "https"].contains(url.scheme), !origin.hasSuffix("/"),
        url.path.isEmpty, url.user == nil
      else { throw error(.allowOrigin, expected: "origins such as https://app.example, with commas between, or *") }
    }
    return origins
  }

  func authentication(
    for configuration: Configuration, purpose: Configuration.Purpose
  ) throws(ConfigurationError) -> Configuration.Authentication {
    let expected = "open (clients name themselves; for development) or token (JSON Web Tokens)"
    let isAllowedAnywhere = try flag(.allowOpen, default: false)
    switch values[.auth]?.text {
    case "token": break
    case "open": return try open(isAllowedAnywhere, configuration, purpose)
    case nil where configuration.isEmbedded: return try open(isAllowedAnywhere, configuration, purpose)
    case nil where purpose == .maintenance || configuration.role == .indexer: return .token
    case nil: throw ConfigurationError("--auth: missing; with --database it is required: \(expected)")
    default: throw error(.auth, expected: expected)
    }
    if purpose == .serving, configuration.role != .indexer, configuration.jwtSecrets.isEmpty,
      configuration.jwtKeys.isEmpty
    {
      throw ConfigurationError(
        "--auth: got 'token', expected PALAVER_JWT_SECRET or PALAVER_JWT_KEY (or …_FILE) beside it")
    }
    return .token
  }

  private func open(
    _ isAllowedAnywhere: Bool, _ configuration: Configuration, _ purpose: Configuration.Purpose
  ) throws(ConfigurationError) -> Configuration.Authentication {
    if purpose == .serving, !configuration.listen.isLoopback, !isAllowedAnywhere {
      throw ConfigurationError(
        "--listen: got '\(configuration.listen)', expected an address of this machine alone, since --auth open lets "
          + "everyone in (use --auth token, or --allow-open if that is meant)")
    }
    return .open(isAllowedAnywhere: isAllowedAnywhere)
  }

  func checkCombinations(of configuration: Configuration) throws(ConfigurationError) {
    if configuration.isEmbedded, configuration.role != .all {
      throw error(.role, expected: "all: the embedded profile is one process")
    }
    if configuration.isDemo, !configuration.isEmbedded {
      throw error(.demo, expected: "no --demo beside --database")
    }
  }
}
