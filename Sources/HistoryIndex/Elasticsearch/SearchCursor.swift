import ChatRooms
import Foundation

/// Where a page of hits ended. Opaque to clients; bound to its search by a fingerprint.
struct SearchCursor: Equatable {
  /// Hits of a `relevance` search in all.
  static let mostByRelevance = 1_000

  var fingerprint: UInt64
  var timestamp: Milliseconds
  var room: RoomID
  var seq: Int64
  /// With `relevance` only.
  var score: Double?
  /// With `relevance`: digests of every hit given so far, so that none comes twice although scores move under writes.
  var seen: [UInt32] = []

  init(_ request: SearchRequest, after message: Message, score: Double?, seen: [UInt32]) {
    fingerprint = Self.fingerprint(of: request)
    timestamp = message.timestamp
    room = message.room
    seq = message.seq
    self.score = score
    self.seen = seen
  }

  /// - Throws: `ChatError` 400 `invalid_cursor` for a text that is none, or is another search's.
  init(_ text: String, for request: SearchRequest) throws(ChatError) {
    let invalid = ChatError.invalid("cursor", "The cursor is not one that this search gave.")
    var base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: base64) else { throw invalid }
    var reader = ByteReader(bytes: Array(data))
    guard let fingerprint = reader.next(8), fingerprint == Self.fingerprint(of: request),
      let timestamp = reader.next(8),
      let room = reader.next(8), let seq = reader.next(8)
    else { throw invalid }
    self.fingerprint = fingerprint
    self.timestamp = Int64(bitPattern: timestamp)
    self.room = Int64(bitPattern: room)
    self.seq = Int64(bitPattern: seq)
    guard request.sort == .relevance else { return }
    guard let score = reader.next(8), Double(bitPattern: score).isFinite else { throw invalid }
    self.score = Double(bitPattern: score)
    while let digest = reader.next(3) { seen.append(UInt32(digest)) }
    guard seen.count <= Self.mostByRelevance else { throw invalid }
  }

  var text: String {
    var bytes: [UInt8] = []
    func append(_ value: UInt64, _ count: Int) {
      for shift in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }
    append(fingerprint, 8)
    append(UInt64(bitPattern: timestamp), 8)
    append(UInt64(bitPattern: room), 8)
    append(UInt64(bitPattern: seq), 8)
    if let score {
      append(score.bitPattern, 8)
      for digest in seen { append(UInt64(digest), 3) }
    }
    return Self.base64URL(bytes)
  }

  /// RFC 4648, section 5, without padding.
  private static func base64URL(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 4 / 3 + 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let bits = part.reduce(0) { $0 << 8 | Int($1) } << ((3 - part.count) * 8)
      for place in 0...part.count { text.append(digits[bits >> (18 - 6 * place) & 63]) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// 24 bits that stand for a hit.
  static func digest(_ message: Message) -> UInt32 { digest(room: message.room, seq: message.seq) }

  static func digest(room: RoomID, seq: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: fnv1a("\(room)-\(seq)".utf8) >> 40)
  }

  static func fingerprint(of request: SearchRequest) -> UInt64 {
    let rooms = request.rooms.map { "\($0.id)" }.joined(separator: ",")
    let parts = [
      request.query, request.sort.rawValue, request.timeZone, rooms, request.caller?.name ?? "",
      request.isLastWordPrefix ? "prefix" : "",
    ]
    return fnv1a(parts.joined(separator: "\u{0}").utf8)
  }

  /// FNV-1a, 64 bits: the same on every server and in every process, unlike `Hasher`.
  private static func fnv1a(_ bytes: String.UTF8View) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

private struct ByteReader {
  var bytes: [UInt8]
  private var index = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// A big-endian number of that many bytes.
  mutating func next(_ count: Int) -> UInt64? {
    guard bytes.count - index >= count else { return nil }
    defer { index += count }
    return bytes[index..<index + count].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
