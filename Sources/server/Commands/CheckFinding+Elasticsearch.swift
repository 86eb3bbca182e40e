import Drivers
import HistoryIndex

extension CheckFinding {
  /// Each node by itself, and of the cluster what the first one says that answers.
  static func elasticsearch(_ stack: Configuration.Stack) async -> [CheckFinding] {
    var options = HTTPClientOptions()
    options.certificateAuthorities = stack.elasticsearchCA
    let http = HTTPClient(options)
    let nodes = stack.elasticsearch.compactMap { HTTPNode(parsing: $0, apiKey: stack.elasticsearchKey) }
    var findings: [CheckFinding] = []
    var reached: [HTTPNode] = []
    for (node, finding) in zip(nodes, await concurrently(nodes, http)) {
      findings.append(finding)
      if finding.isOK { reached.append(node) }
    }
    if let first = reached.first {
      let client = ElasticsearchClient(nodes: NodePool(reached, client: http))
      do {
        findings += try await cluster(client, first.origin, IndexNames(prefix: stack.indexPrefix))
      } catch {
        findings.append(unreachable("elasticsearch", first.origin, "\(error)", wanted: advice(error)))
      }
    }
    await Blocking.run(http.close)
    return findings
  }

  private static func concurrently(_ nodes: [HTTPNode], _ http: HTTPClient) async -> [CheckFinding] {
    await withTaskGroup(of: (Int, CheckFinding).self) { group in
      for (index, node) in nodes.enumerated() { group.addTask { (index, await version(of: node, http)) } }
      return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  private static func version(of node: HTTPNode, _ http: HTTPClient) async -> CheckFinding {
    do {
      let product = try await ElasticsearchClient(nodes: NodePool([node], client: http)).product()
      return CheckFinding(
        backend: "elasticsearch", address: node.origin, name: "version", found: product.description,
        wanted: "Elasticsearch 8 or later", isOK: product.isSupported)
    } catch {
      return unreachable("elasticsearch", node.origin, "\(error)", wanted: advice(error))
    }
  }

  /// What to set where a node answered so, or not at all.
  static func advice(_ error: any Error) -> String {
    if let error = error as? ElasticsearchError, [401, 403].contains(error.status) {
      return "an account that may: --\(Setting.elasticsearchKey.key), or user:password in --elasticsearch"
    }
    if let error = error as? HTTPError, error.kind == .tls {
      return "a certificate that is trusted: its authority's in --\(Setting.elasticsearchCA.key), or https:// left out"
    }
    return "Elasticsearch at that address, or another one in --elasticsearch"
  }

  private static func cluster(
    _ client: ElasticsearchClient, _ address: String, _ names: IndexNames
  ) async throws -> [CheckFinding] {
    let health = try await client.health()
    let finding = CheckFinding(
      backend: "elasticsearch", address: address, name: "health", found: health, wanted: "green or yellow",
      isOK: health != "red")
    return [finding] + (try await translog(client, address, names))
  }

  /// Of every generation; none where the index was not made yet.
  private static func translog(
    _ client: ElasticsearchClient, _ address: String, _ names: IndexNames
  ) async throws -> [CheckFinding] {
    let path =
      "/\(names.prefix)-messages-g*/_settings/index.translog.durability?include_defaults=true&flat_settings=true"
    let reply = try await client.call(.get, path, nil)
    return reply.object?.members.map { member in
      let setting = "index.translog.durability"
      let found =
        member.value["settings"]?[setting]?.string ?? member.value["defaults"]?[setting]?.string ?? "request"
      return CheckFinding(
        backend: "elasticsearch", address: address, name: "\(member.name) translog.durability", found: found,
        wanted: "request", isOK: found.lowercased() == "request")
    } ?? []
  }
}
