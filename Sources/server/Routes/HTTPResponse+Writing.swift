import Drivers

extension HTTPResponse {
  /// A JSON reply of one value that the closure writes.
  static func writing(status: Int = 200, _ body: (inout JSONWriter) -> Void) -> HTTPResponse {
    var writer = JSONWriter(capacity: 512)
    body(&writer)
    return HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: writer.bytes)
  }
}
