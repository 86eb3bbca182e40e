import ChatRooms
import Drivers

/// Generations of the index that are not read from: those that a `reshard` has left, and one that is being filled.
struct OtherGenerations {
  let client: ElasticsearchClient
  let names: IndexNames

  /// Takes what they hold of a deleted user away, once the generation in use has nothing of it any more.
  ///
  /// - Returns: how many documents are left.
  func clear(of erasure: Erasure) async throws -> Int {
    guard let current = try await Generations(client: client, names: names).number(of: names.read) else { return 0 }
    var left = 0
    for number in try await Generations(client: client, names: names).all() where number != current {
      let index = names.generation(number)
      if number < current {
        try await delete(erasure, from: index)
      } else {
        try await replace(erasure, in: index)
      }
      _ = try await client.refresh(index)
      left += try await IndexTraces(client: client, index: index).forEachPage(of: erasure) { _ in }
    }
    return left
  }

  /// Nobody reads or writes there any more.
  private func delete(_ erasure: Erasure, from index: String) async throws {
    guard try await hasAny(erasure, index) else { return }
    var body = JSONWriter()
    body.object {
      $0.key("query")
      IndexTraces.filter(erasure, in: &$0)
    }
    _ = try await client.call(
      .post, "/\(index)/_delete_by_query?conflicts=proceed&refresh=true", body.bytes, timeout: .seconds(300))
  }

  private func hasAny(_ erasure: Erasure, _ index: String) async throws -> Bool {
    try await IndexTraces(client: client, index: index).forEachPage(of: erasure) { _ in } > 0
  }

  /// A copy may be under way: documents are put in their present state, which is newer, so that it passes them over.
  private func replace(_ erasure: Erasure, in index: String) async throws {
    _ = try await IndexTraces(client: client, index: index).forEachPage(of: erasure) { page in
      let ids = page.map { (id: MessageDocument.id(room: $0.message.room, seq: $0.message.seq), routing: $0.routing) }
      let present = try await client.documents(in: names.read, ids: ids)
      var body = JSONWriter()
      for (found, document) in zip(page, present) {
        guard let document, let revised = document["revised"]?.integer else { continue }
        MessageDocument.appendAction(
          room: found.message.room, seq: found.message.seq, routing: found.routing, version: revised, .external,
          to: &body)
        body.value(document)
        body.newline()
      }
      guard !body.bytes.isEmpty else { return }
      _ = try await client.call(.post, "/\(index)/_bulk", body.bytes)
    }
  }
}
