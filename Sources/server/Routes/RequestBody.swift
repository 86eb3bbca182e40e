import ChatRooms
import Drivers

/// The JSON object of a request's body.
struct RequestBody {
  let object: JSONObject

  /// No body counts as `{}`.
  init(_ request: HTTPRequest) throws(ChatError) {
    if request.body.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) {
      object = JSONObject()
      return
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: request.body) } catch {
      throw ChatError(400, "invalid_json", "The body is not JSON: \(error).", parameter: "body")
    }
    guard let object = value.object else {
      throw ChatError(400, "invalid_json", "The body must be a JSON object.", parameter: "body")
    }
    self.object = object
  }

  subscript(name: String) -> JSONValue? { object[name] }

  /// `nil` where it is missing or null.
  func string(_ name: String) throws(ChatError) -> String? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let string = value.string else { throw .invalid(name, "\(name) must be a string.") }
    return string
  }

  /// Outer `nil`: missing, to be left as it is. Inner `nil`: null, to be taken away.
  func change(_ name: String) throws(ChatError) -> String?? {
    guard let value = object[name] else { return .none }
    return value.isNull ? .some(nil) : .some(try string(name))
  }

  func required(_ name: String) throws(ChatError) -> String {
    guard let string = try string(name) else { throw .invalid(name, "\(name) is missing.") }
    return string
  }

  func integer(_ name: String, in range: ClosedRange<Int64>) throws(ChatError) -> Int64? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let integer = value.integer, range.contains(integer) else {
      throw .invalid(name, "\(name) must be a whole number from \(range.lowerBound) on.")
    }
    return integer
  }

  func strings(_ name: String) throws(ChatError) -> [String] {
    guard let value = object[name], !value.isNull else { return [] }
    let strings = value.array?.compactMap(\.string)
    guard let strings, strings.count == value.array?.count else {
      throw .invalid(name, "\(name) must be an array of strings.")
    }
    return strings
  }
}
