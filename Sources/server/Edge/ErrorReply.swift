import ChatRooms
import Drivers

extension HTTPResponse {
  /// The contract's body of an error.
  ///
  /// - Parameter others: writes members besides.
  static func error(
    _ error: ChatError, requestID: String, others: (inout JSONWriter) -> Void = { _ in }
  ) -> HTTPResponse {
    var response = HTTPResponse.json(error.status) {
      $0.member("code", error.status)
      $0.member("error", error.word)
      $0.member("message", error.message)
      $0.member("request_id", requestID)
      $0.member("parameter", ifPresent: error.parameter)
      $0.member("retry_after_ms", ifPresent: error.retryAfter.map(Int64.init))
      others(&$0)
    }
    if let milliseconds = error.retryAfter {
      response.headers.append(("Retry-After", "\(max(1, (milliseconds + 999) / 1_000))"))
    }
    if error.status == 426 { response.headers += WebSocketHandshake.upgradeHeaders }
    return response
  }
}
