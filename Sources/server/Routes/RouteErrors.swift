import ChatRooms
import Drivers

/// What clients are told of errors in routes (`docs/api.md`).
struct RouteErrors: Sendable {
  var log: Log

  func response(for error: any Error, to request: HTTPRequest) -> HTTPResponse {
    let known = chatError(for: error, request)
    var response = HTTPResponse.error(known, requestID: request.id)
    if known.status == 401 { response.headers.append(("WWW-Authenticate", "Bearer")) }
    return response
  }

  private func chatError(for error: any Error, _ request: HTTPRequest) -> ChatError {
    if let error = error as? ChatError { return error }
    if let refusal = ChatError(ofDatabase: error) {
      log.warning("database refused", ["error": "\(error)", "request": request.id])
      return refusal
    }
    log.error("request failed", ["error": "\(error)", "method": request.method, "request": request.id])
    return ChatError(500, "internal", "Something went wrong in the server; its log names this request_id.")
  }
}
