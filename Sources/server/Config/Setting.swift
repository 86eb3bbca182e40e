/// One setting: its flag, its variable, its key in the config file. Help texts, parsing and checks share this table.
struct Setting: Sendable {
  /// The flag without its dashes, and the config file's key: `journal-keep`.
  var key: String
  var environment: String
  /// What stands for the value in help texts; `nil` for a switch, which may stand without a value.
  var placeholder: String?
  /// A secret is masked in errors, may come from a file (`…-file`, `…_FILE`), and never stands in a flag by itself.
  var secrecy = Secrecy.none
  var help: String

  enum Secrecy: Sendable {
    case none
    /// A URL, whose password is masked.
    case url
    /// Masked whole; only files, variables and the config file hold it, since everyone can see a process's arguments.
    case whole
  }

  var flag: String { "--\(key)" }
  var isSecret: Bool { secrecy != .none }

  /// Fit for an error.
  func masked(_ value: String) -> String {
    switch secrecy {
    case .none: value
    case .url: value.split(separator: ",").map { EndpointURL.masked(String($0)) }.joined(separator: ",")
    case .whole: "***"
    }
  }

  /// The flags that set it.
  var options: [CommandOption] {
    var options: [CommandOption] = []
    if secrecy != .whole { options.append(CommandOption(key, placeholder: placeholder, help: help)) }
    if isSecret {
      options.append(CommandOption("\(key)-file", placeholder: "FILE", help: "The same from a file.", isListed: false))
    }
    return options
  }
}

extension Setting {
  static let listen = Setting(
    key: "listen", environment: "PALAVER_LISTEN", placeholder: "HOST:PORT",
    help: "Where to serve; port 0 picks a free one (127.0.0.1:8081).")
  static let data = Setting(
    key: "data", environment: "PALAVER_DATA", placeholder: "FOLDER",
    help: "The embedded profile's folder (./palaver-data).")
  static let database = Setting(
    key: "database", environment: "PALAVER_DATABASE_URL", placeholder: "URL", secrecy: .url,
    help: "mysql://user:password@host:3306/name")
  static let redis = Setting(
    key: "redis", environment: "PALAVER_REDIS_URL", placeholder: "URL", secrecy: .url,
    help: "redis://[:password@]host:6379/0")
  static let redisPrefix = Setting(
    key: "redis-prefix", environment: "PALAVER_REDIS_PREFIX", placeholder: "PREFIX",
    help: "Begins every key and channel (the installation's id).")
  static let elasticsearch = Setting(
    key: "elasticsearch", environment: "PALAVER_ELASTICSEARCH_URL", placeholder: "URLS", secrecy: .url,
    help: "http://host:9200, several with commas.")
  static let elasticsearchKey = Setting(
    key: "elasticsearch-api-key", environment: "PALAVER_ELASTICSEARCH_API_KEY", placeholder: "KEY", secrecy: .whole,
    help: "Sent instead of user and password.")
  static let elasticsearchCA = Setting(
    key: "elasticsearch-ca", environment: "PALAVER_ELASTICSEARCH_CA", placeholder: "FILE",
    help: "The PEM file that Elasticsearch's certificate is checked with.")
  static let indexPrefix = Setting(
    key: "index-prefix", environment: "PALAVER_INDEX_PREFIX", placeholder: "PREFIX",
    help: "Begins every index and template (palaver).")
  static let role = Setting(
    key: "role", environment: "PALAVER_ROLE", placeholder: "ROLE",
    help: "all, edge (serves clients) or indexer (drains the journal) (all).")
  static let auth = Setting(
    key: "auth", environment: "PALAVER_AUTH", placeholder: "MODE",
    help: "open (clients name themselves) or token (JSON Web Tokens); open if embedded, else required.")
  static let allowOpen = Setting(
    key: "allow-open", environment: "PALAVER_ALLOW_OPEN",
    help: "Serve open mode on a public address or behind a proxy.")
  static let jwtSecret = Setting(
    key: "jwt-secret", environment: "PALAVER_JWT_SECRET", placeholder: "SECRET", secrecy: .whole,
    help: "HS256 secret of tokens; two, with a comma, while they are rotated.")
  static let jwtKey = Setting(
    key: "jwt-key", environment: "PALAVER_JWT_KEY", placeholder: "PEM", secrecy: .whole,
    help: "PEM public key of tokens (RS256, ES256); two, one after the other, while they are rotated.")
  static let allowOrigin = Setting(
    key: "allow-origin", environment: "PALAVER_ALLOW_ORIGIN", placeholder: "ORIGINS",
    help: "Web pages that may call from elsewhere: https://app.example, several with commas, or *.")
  static let journalKeep = Setting(
    key: "journal-keep", environment: "PALAVER_JOURNAL_KEEP", placeholder: "TIME",
    help: "How long events stay in the journal after they are indexed (24h; never less than 10m).")
  static let journalLimit = Setting(
    key: "journal-limit", environment: "PALAVER_JOURNAL_LIMIT", placeholder: "ROWS",
    help: "Refuse messages while so many events wait for Elasticsearch; 0: never (10000000).")
  static let diskReserve = Setting(
    key: "disk-reserve", environment: "PALAVER_DISK_RESERVE", placeholder: "SIZE",
    help: "Refuse messages while less is free on the disk of --data, such as 512M or 2G; 0: never (256M).")
  static let migrate = Setting(
    key: "migrate", environment: "PALAVER_MIGRATE",
    help: "Bring the back ends to this version's schema at start (true).")
  static let sendRate = Setting(
    key: "send-rate", environment: "PALAVER_SEND_RATE", placeholder: "N",
    help: "Messages a second that one WebSocket may send, ten times as many at once (100).")
  static let searchRate = Setting(
    key: "search-rate", environment: "PALAVER_SEARCH_RATE", placeholder: "N",
    help: "Searches a second of one user, ten times as many at once (20).")
  static let searchLimit = Setting(
    key: "search-limit", environment: "PALAVER_SEARCH_LIMIT", placeholder: "N",
    help: "Searches that a server carries out at once; four times as many wait, others are told to come again (32).")
  static let historyReads = Setting(
    key: "history-reads", environment: "PALAVER_HISTORY_READS", placeholder: "N",
    help: "Reads of history in Elasticsearch at once, of one server; others wait for their turn (16).")
  static let drain = Setting(
    key: "drain", environment: "PALAVER_DRAIN", placeholder: "TIME",
    help: "How long stopping may take (10s).")
  static let log = Setting(
    key: "log", environment: "PALAVER_LOG", placeholder: "LEVEL",
    help: "debug, info, warning or error (info).")
  static let demo = Setting(
    key: "demo", environment: "PALAVER_DEMO",
    help: "Fill an empty embedded data folder with a demonstration room.")
  static let config = Setting(
    key: "config", environment: "PALAVER_CONFIG", placeholder: "FILE",
    help: "Read settings from this file: lines of `key = value`, the keys named as the flags.")

  /// Every setting, in the order of help texts.
  static let all = [
    config, listen, data, database, redis, elasticsearch, role, auth, allowOpen, jwtSecret, jwtKey, allowOrigin,
    elasticsearchKey, elasticsearchCA, redisPrefix, indexPrefix, journalKeep, journalLimit, diskReserve, migrate,
    sendRate, searchRate, searchLimit, historyReads, drain, log, demo,
  ]
}
