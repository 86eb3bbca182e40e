import Drivers

/// What a `_bulk` reply says, item by item. Pure: see "Bulk and search" in the architecture for the table behind it.
enum BulkReply: Equatable {
  /// One for each item, in their order.
  case items([Item])
  /// Nothing is known to have happened: send all of it again, elsewhere if there is an elsewhere.
  case again(String)
  /// Too large, or malformed somewhere: send it in halves, until the one at fault stands alone.
  case split(ElasticsearchError)
  /// Nothing can be written at the moment, whatever it is: a missing alias, a full disk, a wrong password.
  case blocked(ElasticsearchError)

  enum Item: Equatable {
    case done
    /// The index holds this version, or a later one.
    case conflict
    case again(String)
    case blocked(ElasticsearchError)
    /// This document will never be taken.
    case refused(ElasticsearchError)
  }

  /// - Parameter count: items that were sent.
  init(_ reply: HTTPReply, count: Int) {
    guard reply.status == 200 else {
      self = Self.whole(ElasticsearchError(reply))
      return
    }
    // The usual case, recognised without parsing a thousand statuses. `filter_path` puts `errors` first.
    if reply.body.starts(with: #"{"errors":false"#.utf8) {
      self = .items(Array(repeating: .done, count: count))
      return
    }
    self = Self.parse(reply.body, count: count)
  }

  private static func whole(_ error: ElasticsearchError) -> BulkReply {
    switch error.status {
    case 413: .split(error)
    // A 400 of a proxy says nothing about any document.
    case 400: error.type.isEmpty ? .again(error.description) : .split(error)
    case 401, 403, 404: .blocked(error)
    default: .again(error.description)
    }
  }

  private static func parse(_ body: [UInt8], count: Int) -> BulkReply {
    guard let value = try? JSONValue(parsing: body), let hasErrors = value["errors"]?.boolean else {
      return .again("the reply is not Elasticsearch's")
    }
    guard hasErrors else { return .items(Array(repeating: .done, count: count)) }
    guard let items = value["items"]?.array, items.count == count else {
      return .again("the reply does not fit the request")
    }
    return .items(items.map { item($0.object?.members.first?.value) })
  }

  private static func item(_ value: JSONValue?) -> Item {
    guard let status = value?["status"]?.integer.flatMap({ Int(exactly: $0) }) else { return .again("no status") }
    let error = ElasticsearchError(status: status, error: value?["error"])
    switch status {
    case 200..<300: return .done
    case 409: return .conflict
    case 429, 500...: return .again(error.description)
    case 401, 403, 404: return .blocked(error)
    default: return isOurFault(error) ? .blocked(error) : .refused(error)
    }
  }

  /// A 400 that says nothing about the document: the index is not as it should be, and so would all others be refused.
  private static func isOurFault(_ error: ElasticsearchError) -> Bool {
    error.type == "strict_dynamic_mapping_exception" || error.reason.contains("write index")
  }
}
