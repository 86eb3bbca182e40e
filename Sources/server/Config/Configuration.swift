import ChatRooms
import Drivers
import HistoryIndex

/// Everything that is set from outside, checked.
struct Configuration: Sendable, Equatable {
  /// Which back ends there are.
  enum Profile: Sendable, Equatable {
    /// SQLite in one folder, no other process.
    case embedded(folder: String)
    case stack(Stack)
  }

  struct Stack: Sendable, Equatable {
    var database: MySQLURL
    var redis: RedisURL
    /// URLs, at least one.
    var elasticsearch: [String]
    var elasticsearchKey: String?
    /// A path.
    var elasticsearchCA: String?
    /// `nil`: the installation's id.
    var redisPrefix: String?
    var indexPrefix: String
    /// Reads of history in Elasticsearch at once.
    var historyReads: Int
  }

  enum Role: String, Sendable, CaseIterable {
    case all, edge, indexer
  }

  enum Authentication: Sendable, Equatable {
    /// Clients name themselves. `isAllowedAnywhere`: on public addresses and behind proxies too.
    case open(isAllowedAnywhere: Bool)
    case token
  }

  /// What the configuration is for: a server wants to know how clients are told apart, other commands do not.
  enum Purpose: Sendable {
    case serving
    case maintenance
  }

  var profile: Profile
  var listen: ListenAddress
  var role: Role
  var authentication: Authentication
  /// HS256 secrets, at most two.
  var jwtSecrets: [String]
  /// PEM public keys, at most two.
  var jwtKeys: [String]
  /// Origins of web pages elsewhere that may call; `*`: all.
  var allowedOrigins: [String]
  var journalKeep: Milliseconds
  var backPressure: BackPressure.Limits
  var isMigrating: Bool
  var drain: Milliseconds
  /// Messages a second of one WebSocket.
  var sendRate: Int
  /// Searches a second of one user.
  var searchRate: Int
  /// Searches that the server carries out at once.
  var searchesAtOnce: Int
  var logLevel: Log.Level
  var isDemo: Bool

  /// - Parameters:
  ///   - arguments: what follows the command's name.
  ///   - readFile: the text of a file, or `nil` where it cannot be read.
  /// - Throws: `ConfigurationError`, one line for a person.
  static func parse(
    arguments: [String], environment: [String: String], readFile: (String) -> String?, purpose: Purpose = .serving
  ) throws(ConfigurationError) -> Configuration {
    let arguments = try CommandArguments(arguments, options: Setting.all.flatMap(\.options))
    if let extra = arguments.positionals.first { throw ConfigurationError("unexpected argument '\(extra)'") }
    return try Configuration(
      flags: arguments.flags, environment: environment, readFile: readFile, purpose: purpose)
  }

  init(
    flags: [String: String], environment: [String: String], readFile: (String) -> String?, purpose: Purpose
  ) throws(ConfigurationError) {
    let values = try SettingValues(flags: flags, environment: environment, readFile: readFile)
    let reader = SettingReader(values: values)
    profile = try reader.profile()
    listen = try reader.listen()
    role = try reader.oneOf(.role, default: .all)
    jwtSecrets = try reader.secrets()
    jwtKeys = try reader.keys()
    allowedOrigins = try reader.origins()
    journalKeep = try reader.journalKeep()
    backPressure = try reader.backPressure()
    isMigrating = try reader.flag(.migrate, default: true)
    sendRate = try reader.count(.sendRate, in: 1...1_000_000, default: 100)
    searchRate = try reader.count(.searchRate, in: 1...1_000_000, default: 20)
    searchesAtOnce = try reader.count(.searchLimit, in: 1...10_000, default: 32)
    drain = try reader.span(.drain, default: 10_000)
    logLevel = try reader.oneOf(.log, default: .info)
    isDemo = try reader.flag(.demo, default: false)
    authentication = .token
    authentication = try reader.authentication(for: self, purpose: purpose)
    try reader.checkCombinations(of: self)
  }

  var isEmbedded: Bool { if case .embedded = profile { true } else { false } }
}
