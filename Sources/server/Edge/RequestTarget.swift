import ChatRooms

/// A request's target (RFC 9112, section 3.2), taken apart and percent-decoded.
struct RequestTarget: Equatable {
  var path: [String]
  var query: [QueryItem]

  struct QueryItem: Equatable {
    var name: String
    var value: String
  }

  /// - Throws: `ChatError` 400 where an escape is broken or what it decodes to is not UTF-8.
  init(_ target: [UInt8]) throws(ChatError) {
    let origin = Self.withoutAuthority(target[...])
    let parts = origin.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    path = try Self.path(parts.first ?? [])
    query = try parts.count > 1 ? Self.query(parts[1]) : []
  }

  /// `http://host/path`, which a proxy may send, means `/path`.
  private static func withoutAuthority(_ target: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard target.first != UInt8(ascii: "/") else { return target }
    for scheme in ["http://", "https://"] where target.starts(with: scheme.utf8) {
      return target.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") }
    }
    return target
  }

  private static func path(_ path: ArraySlice<UInt8>) throws(ChatError) -> [String] {
    let names = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
    var decoded: [String] = []
    for name in names { decoded.append(try decode(name, plusIsSpace: false)) }
    if decoded.last == "" { decoded.removeLast() }
    return decoded
  }

  private static func query(_ query: ArraySlice<UInt8>) throws(ChatError) -> [QueryItem] {
    var items: [QueryItem] = []
    for item in query.split(separator: UInt8(ascii: "&")) {
      let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? parts[1] : []
      items.append(
        QueryItem(name: try decode(parts[0], plusIsSpace: true), value: try decode(value, plusIsSpace: true)))
    }
    return items
  }

  private static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) throws(ChatError) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      switch bytes[index] {
      case UInt8(ascii: "%"):
        guard let byte = escape(bytes[(index + 1)...].prefix(2)) else {
          throw ChatError(400, "invalid_url", "A % in the URL is not followed by two hexadecimal digits.")
        }
        decoded.append(byte)
        index += 2
      case UInt8(ascii: "+") where plusIsSpace: decoded.append(UInt8(ascii: " "))
      case let byte: decoded.append(byte)
      }
      index += 1
    }
    guard let text = String(validating: decoded, as: UTF8.self) else {
      throw ChatError(400, "invalid_url", "The URL is not UTF-8.")
    }
    return text
  }

  private static func escape(_ digits: ArraySlice<UInt8>) -> UInt8? {
    let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard values.count == 2 else { return nil }
    return UInt8(values[0] << 4 | values[1])
  }
}
