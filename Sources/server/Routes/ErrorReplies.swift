import ChatRooms
import Drivers

/// Errors as clients see them (`docs/api.md`).
struct ErrorReplies: Sendable {
  var log: Log

  func response(for error: any Error, to request: HTTPRequest) -> HTTPResponse {
    let known = chatError(for: error, request)
    var response = HTTPResponse.json(known.status) {
      $0.member("code", known.status)
      $0.member("error", known.word)
      $0.member("message", known.message)
      $0.member("request_id", request.id)
      $0.member("parameter", ifPresent: known.parameter)
      $0.member("retry_after_ms", ifPresent: known.retryAfter.map(Int64.init))
    }
    if let milliseconds = known.retryAfter {
      response.headers.append(("Retry-After", String(max(1, (milliseconds + 999) / 1_000))))
    }
    if known.status == 401 { response.headers.append(("WWW-Authenticate", "Bearer")) }
    return response
  }

  private func chatError(for error: any Error, _ request: HTTPRequest) -> ChatError {
    switch error {
    case let error as ChatError: return error
    case let error as SQLError where error.kind == .unavailable || error.kind == .conflict:
      log.warning("database refused", ["error": error.description, "request": request.id])
      return .unavailable("The database")
    default:
      log.error("request failed", ["error": "\(error)", "method": request.method, "request": request.id])
      return ChatError(500, "internal", "Something went wrong in the server; its log names this request_id.")
    }
  }
}
