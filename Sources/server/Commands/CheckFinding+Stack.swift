import Drivers

extension CheckFinding {
  static func stack(_ stack: Configuration.Stack) async -> [CheckFinding] {
    await mysql(stack) + redis(stack) + elasticsearch(stack)
  }

  private static func mysql(_ stack: Configuration.Stack) async -> [CheckFinding] {
    let pool = MySQLPool(stack.database, options: .serving, size: 1)
    let address = stack.database.description
    var findings: [CheckFinding]
    do {
      findings = try await pool.withConnection { try MySQLDurability.findings($0) }.map {
        CheckFinding(
          backend: "mysql", address: address, name: $0.name, found: $0.found, wanted: $0.wanted, isOK: $0.isOK)
      }
    } catch {
      let advice = mysqlAdvice((error as? SQLError)?.code ?? 0, stack.database)
      findings = [unreachable("mysql", address, "\(error)", wanted: advice)]
    }
    await Blocking.run(pool.close)
    return findings
  }

  /// - Parameter code: MySQL's own.
  private static func mysqlAdvice(_ code: Int, _ url: MySQLURL) -> String {
    switch code {
    case 1045: "the right user and password in --database"
    case 1049: "a database that exists in --database, or CREATE DATABASE \(url.database ?? "")"
    case 1044, 1142: "a user in --database with all rights on \(url.database ?? "the database")"
    case 1046: "the name of a database in --database"
    default: "MySQL or MariaDB at that address, or another one in --database"
    }
  }

  private static func redis(_ stack: Configuration.Stack) async -> [CheckFinding] {
    let client = RedisClient(stack.redis)
    client.start()
    let deadline = ContinuousClock.now + .seconds(3)
    // The first attempt decides: a Redis that refuses is not waited for.
    while !client.health.isConnected, client.health.problem == nil, ContinuousClock.now < deadline {
      try? await Task.sleep(for: .milliseconds(5))
    }
    let address = stack.redis.description
    let finding: CheckFinding
    do {
      if let problem = client.health.problem { throw RedisError.unavailable(problem) }
      let info = try await client.command(["INFO", "server"]).text ?? ""
      let version =
        info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }?.dropFirst(14) ?? "?"
      let major = Int(version.prefix { $0 != "." }) ?? 0
      finding = CheckFinding(
        backend: "redis", address: address, name: "version", found: String(version), wanted: "6 or later",
        isOK: major >= 6)
    } catch {
      let words = client.health.problem ?? "\(error)"
      let isRefusal = ["NOAUTH", "WRONGPASS", "AUTH"].contains { words.contains($0) }
      finding = unreachable(
        "redis", address, words,
        wanted: isRefusal ? "the right password in --redis" : "Redis at that address, or another one in --redis")
    }
    await Blocking.run(client.close)
    return [finding]
  }
}
