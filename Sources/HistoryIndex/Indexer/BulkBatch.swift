import ChatRooms
import Drivers

/// Rendered documents on their way into the index, and the events that they are of.
struct BulkBatch: Sendable {
  /// A stretch of one lane: all its events after `after` up to `through`, with or without documents.
  struct Stretch: Sendable, Equatable {
    var lease: LaneLease
    var after: Int64
    var through: Int64
  }

  private(set) var events: [RoomEvent] = []
  private(set) var stretches: [Stretch] = []
  private var writer: JSONWriter
  /// Where each event's lines end in the body.
  private var ends: [Int] = []
  private let isTextIndexed: Bool

  /// Bytes of both lines of a short message.
  private static let usualBytes = 400

  init(isTextIndexed: Bool = true) {
    self.isTextIndexed = isTextIndexed
    writer = JSONWriter()
  }

  /// All at once: the events are shared, not copied.
  init(_ events: [RoomEvent]) {
    isTextIndexed = true
    writer = JSONWriter(capacity: events.count * Self.usualBytes)
    ends.reserveCapacity(events.count)
    self.events = events
    for index in events.indices {
      MessageDocument.appendBulkLines(of: events[index], to: &writer)
      ends.append(writer.bytes.count)
    }
  }

  var body: [UInt8] { writer.bytes }
  var isEmpty: Bool { events.isEmpty }

  mutating func append(_ event: RoomEvent) {
    MessageDocument.appendBulkLines(of: event, isTextIndexed: isTextIndexed, to: &writer)
    events.append(event)
    ends.append(writer.bytes.count)
  }

  mutating func cover(_ stretch: Stretch) { stretches.append(stretch) }

  /// The lines of some of the events, given by rising indices.
  func body(of indices: [Int]) -> [UInt8] {
    if indices.count == events.count { return body }
    var part: [UInt8] = []
    for index in indices { part += writer.bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }
    return part
  }

  /// The document of one event, for people to read.
  func document(of index: Int) -> String {
    let lines = body(of: [index]).split(separator: UInt8(ascii: "\n"))
    return String(decoding: lines.last ?? [], as: UTF8.self)
  }
}
