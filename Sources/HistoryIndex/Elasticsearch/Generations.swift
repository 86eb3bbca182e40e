import Drivers
import Migrations

/// Brings an installation's template, first generation and aliases into being. Idempotent, and safe with several
/// servers at once: each step either is done by exactly one of them or has the same outcome from all.
public struct Generations: Sendable {
  private let client: ElasticsearchClient
  private let names: IndexNames
  private let shards: Int
  private let replicas: String

  /// - Parameters:
  ///   - shards: of a new generation. One, until an index outgrows a node.
  ///   - replicas: `auto_expand_replicas`: none on one node, one as soon as there are two.
  public init(client: ElasticsearchClient, names: IndexNames, shards: Int = 1, replicas: String = "0-1") {
    self.client = client
    self.names = names
    self.shards = shards
    self.replicas = replicas
  }

  /// - Throws: what `ElasticsearchClient` throws.
  public func migrate() async throws {
    try await installTemplate()
    if try await !aliasesExist() { try await createFirst() }
    try await client.waitUntilUsable(names.write)
  }

  /// Both aliases are there: the indexer and searches can work.
  public func aliasesExist() async throws -> Bool {
    for alias in [names.read, names.write] where try await !exists("/_alias/\(alias)") { return false }
    return true
  }

  /// A server of an earlier version must not put back its own template.
  private func installTemplate() async throws {
    guard let template = Migrations.elasticsearch.last else { return }
    let path = "/_index_template/\(names.template)"
    if let stored = try await templateVersion(path), stored >= Int64(template.version) { return }
    let body = template.body(prefix: names.prefix, shards: shards, replicas: replicas)
    _ = try await client.call(.put, path, Array(body.utf8))
  }

  private func templateVersion(_ path: String) async throws -> Int64? {
    do {
      let reply = try await client.call(.get, path, nil)
      return reply["index_templates"]?.array?.first?["index_template"]?["version"]?.integer
    } catch let error as ElasticsearchError where error.status == 404 {
      return nil
    }
  }

  /// The index comes with its aliases in one step, so that a server which dies here leaves all or nothing.
  private func createFirst() async throws {
    var body = JSONWriter()
    body.object {
      $0.key("aliases")
      $0.object {
        $0.key(names.read)
        $0.object { _ in }
        $0.key(names.write)
        $0.object { $0.member("is_write_index", true) }
      }
    }
    do {
      _ = try await client.call(.put, "/\(names.generation(1))", body.bytes)
    } catch let error as ElasticsearchError where error.type == "resource_already_exists_exception" {
      // Another server was first.
      guard try await aliasesExist() else { throw error }
    }
  }

  // MARK: Changing over

  /// The number of the generation that an alias stands for; `nil` if it stands for none.
  func number(of alias: String) async throws -> Int? {
    do {
      let reply = try await client.call(.get, "/_alias/\(alias)", nil)
      return reply.object?.members.compactMap { names.generationNumber(of: $0.name) }.max()
    } catch let error as ElasticsearchError where error.status == 404 {
      return nil
    }
  }

  /// Every generation that exists, rising.
  func all() async throws -> [Int] {
    let reply = try await client.call(.get, "/\(names.prefix)-messages-g*?expand_wildcards=open", nil)
    return reply.object?.members.compactMap { names.generationNumber(of: $0.name) }.sorted() ?? []
  }

  /// Makes a generation to be filled, with this version's mapping, in place of one that was given up.
  func createNext(_ number: Int) async throws {
    try await installTemplate()
    if try await exists("/\(names.generation(number))") { try await remove(number) }
    var body = JSONWriter()
    body.object {
      $0.key("settings")
      $0.object { $0.member("index.number_of_shards", shards) }
      $0.key("aliases")
      $0.object {
        $0.key(names.next)
        $0.object { $0.member("is_write_index", true) }
      }
    }
    _ = try await client.call(.put, "/\(names.generation(number))", body.bytes)
    try await client.waitUntilUsable(names.next)
  }

  /// Reads and writes go to the other generation from one moment on.
  func change(from old: Int, to new: Int) async throws {
    var body = JSONWriter()
    body.object {
      $0.key("actions")
      $0.array {
        for alias in [names.read, names.write] { Self.action("remove", names.generation(old), alias, in: &$0) }
        Self.action("remove", names.generation(new), names.next, in: &$0)
        Self.action("add", names.generation(new), names.read, in: &$0)
        Self.action("add", names.generation(new), names.write, in: &$0)
      }
    }
    _ = try await client.call(.post, "/_aliases", body.bytes)
  }

  private static func action(_ verb: String, _ index: String, _ alias: String, in writer: inout JSONWriter) {
    writer.object {
      $0.key(verb)
      $0.object {
        $0.member("index", index)
        $0.member("alias", alias)
        if verb == "add", alias.hasSuffix("-write") { $0.member("is_write_index", true) }
      }
    }
  }

  func remove(_ number: Int) async throws { _ = try await client.call(.delete, "/\(names.generation(number))", nil) }

  private func exists(_ path: String) async throws -> Bool {
    do {
      _ = try await client.call(.get, path, nil)
      return true
    } catch let error as ElasticsearchError where error.status == 404 {
      return false
    }
  }

  /// Removes everything of this prefix. For tests and for giving up an installation.
  public func dropAll() async throws {
    for number in 1...999 {
      guard try await exists("/\(names.generation(number))") else { break }
      _ = try await client.call(.delete, "/\(names.generation(number))", nil)
    }
    _ = try? await client.call(.delete, "/_index_template/\(names.template)", nil)
  }
}
