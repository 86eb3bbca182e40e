import Drivers
import Foundation

/// Looking for bytes that should be gone, in everything that back ends hold.
extension StackEnvironment {
  /// Places that hold a text: `table.column`, an index, a key of Redis.
  ///
  /// - Parameters:
  ///   - needle: letters, digits and dashes.
  ///   - allowed: places that may hold it.
  public func remains(of needle: String, except allowed: Set<String> = []) throws -> [String] {
    try (columns(with: needle) + indices(with: needle) + keys(with: needle)).filter { !allowed.contains($0) }
  }

  private func columns(with needle: String) throws -> [String] {
    let columns = try mariadb(
      """
      SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '\(name)' AND data_type IN \
      ('varbinary', 'blob', 'mediumblob', 'varchar', 'longblob', 'text')
      """
    ).split(separator: "\n").map { $0.split(separator: "\t") }.filter { $0.count == 2 }
    let queries = columns.map { column in
      "(SELECT '\(column[0]).\(column[1])' FROM \(name).\(column[0]) WHERE INSTR(\(column[1]), '\(needle)') > 0 LIMIT 1)"
    }
    return try mariadb(queries.joined(separator: " UNION ALL ")).split(separator: "\n").map(String.init)
  }

  private func indices(with needle: String) throws -> [String] {
    _ = try elasticsearch.request("POST", "/\(name)*/_refresh")
    let hits = try elasticsearch.get("/\(name)*/_search?size=10000")["hits"]?["hits"]?.array ?? []
    return hits.filter { $0.compact.contains(needle) }.compactMap { $0["_index"]?.string }
  }

  private func keys(with needle: String) throws -> [String] {
    let script = """
      local found = {} for _, k in ipairs(redis.call('keys', ARGV[1]..'*')) do \
      local t, v = redis.call('type', k).ok, '' \
      if t == 'string' then v = redis.call('get', k) elseif t == 'hash' then v = table.concat(redis.call('hgetall', k), ' ') \
      elseif t == 'set' then v = table.concat(redis.call('smembers', k), ' ') \
      elseif t == 'zset' then v = table.concat(redis.call('zrange', k, 0, -1), ' ') end \
      if string.find(k..' '..v, ARGV[2], 1, true) then table.insert(found, k) end end return table.concat(found, '\\n')
      """
    return try redis(["EVAL", script, "0", name, needle]).split(whereSeparator: \.isNewline).map(String.init)
      .filter { $0.hasPrefix(name) }
  }
}
