/// A step of the schema. Steps are applied in order, each once.
public struct Migration: Sendable {
  public var version: Int
  public var name: String
  /// Statements, each ended by a semicolon at the end of a line.
  public var sql: String

  init(_ version: Int, _ name: String, _ sql: [UInt8]) {
    self.version = version
    self.name = name
    self.sql = String(decoding: sql, as: UTF8.self)
  }

  /// The statements one by one, without comments.
  public var statements: [String] {
    sql.split(separator: "\n", omittingEmptySubsequences: true)
      .filter { !$0.drop(while: { $0 == " " }).hasPrefix("--") }
      .joined(separator: "\n")
      .components(endedBy: ";\n")
  }
}

extension String {
  fileprivate func components(endedBy end: String) -> [String] {
    var components: [String] = []
    var current = ""
    for line in split(separator: "\n") {
      current += line + "\n"
      if current.hasSuffix(end) {
        components.append(String(current.dropLast(end.count)))
        current = ""
      }
    }
    if !current.isEmpty { components.append(current) }
    return components
  }
}

/// The schema files of this folder, compiled into the executable.
public enum Migrations {
  public static let mysql = [
    Migration(1, "foundation", PackageResources.mysql_0001_foundation_sql),
    Migration(2, "flush", PackageResources.mysql_0002_flush_sql),
    Migration(3, "change_refs", PackageResources.mysql_0003_change_refs_sql),
    Migration(4, "rewinds", PackageResources.mysql_0004_rewinds_sql),
    Migration(5, "closed_rooms", PackageResources.mysql_0005_closed_rooms_sql),
    Migration(6, "erasures", PackageResources.mysql_0006_erasures_sql),
  ]
  public static let sqlite = [
    Migration(1, "foundation", PackageResources.sqlite_0001_foundation_sql),
    Migration(2, "search", PackageResources.sqlite_0002_search_sql),
    Migration(3, "change_refs", PackageResources.sqlite_0003_change_refs_sql),
    Migration(4, "closed_rooms", PackageResources.sqlite_0004_closed_rooms_sql),
    Migration(5, "erasures", PackageResources.sqlite_0005_erasures_sql),
    Migration(6, "first_texts", PackageResources.sqlite_0006_first_texts_sql),
    Migration(7, "merging", PackageResources.sqlite_0007_merging_sql),
  ]
  public static let elasticsearch = [
    IndexTemplate(1, "messages", PackageResources.elasticsearch_0001_messages_json)
  ]
}
