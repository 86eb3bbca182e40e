@testable import server

// The server's own, where the HTTP client of `Drivers` has types of the same names.
typealias HTTPRequest = server.HTTPRequest
typealias HTTPReply = server.HTTPReply
