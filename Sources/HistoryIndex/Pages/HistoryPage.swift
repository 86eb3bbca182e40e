import ChatRooms
import Drivers

/// Messages of a room, oldest first, and whether there are others on either side.
public struct HistoryPage: Sendable, Equatable {
  public var messages: [Message]
  public var hasMoreBefore: Bool
  public var hasMoreAfter: Bool
  /// Where the room stood when it was read.
  public var position: RoomPosition

  public var epoch: String { position.epoch }
}

/// A page as it is sent: rendered once, and given to everybody who asks for it while it holds.
public final class RenderedPage: Sendable {
  /// The reply's members, in braces.
  public let json: [UInt8]
  /// Where the room stood: another position of the room may be another page.
  public let position: RoomPosition
  public let messageCount: Int

  init(_ position: RoomPosition, json: [UInt8], messageCount: Int) {
    self.position = position
    self.json = json
    self.messageCount = messageCount
  }

  public convenience init(_ page: HistoryPage) {
    let capacity = page.messages.reduce(96) { $0 + 240 + $1.text.utf8.count }
    var writer = Writer(capacity: capacity)
    for message in page.messages { writer.add(MessageWire.object(message)) }
    self.init(
      page.position,
      json: writer.end(before: page.hasMoreBefore, after: page.hasMoreAfter, epoch: page.position.epoch),
      messageCount: page.messages.count)
  }

  /// The members alone, to stand among others.
  public var members: ArraySlice<UInt8> { json.dropFirst().dropLast() }

  /// Puts rendered messages together to a page.
  struct Writer {
    private var bytes: [UInt8] = []
    private var isFirst = true

    /// - Parameter capacity: bytes to reserve.
    init(capacity: Int) {
      bytes.reserveCapacity(capacity)
      bytes.append(contentsOf: #"{"messages":["#.utf8)
    }

    /// - Parameter messages: a JSON object, or several with commas between them.
    mutating func add(_ messages: some Collection<UInt8>) {
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      bytes.append(contentsOf: messages)
    }

    mutating func end(before: Bool, after: Bool, epoch: String) -> [UInt8] {
      var rest = JSONWriter(capacity: 96)
      rest.object {
        $0.member("has_more_before", before)
        $0.member("has_more_after", after)
        $0.member("epoch", epoch)
      }
      bytes.append(contentsOf: "],".utf8)
      bytes.append(contentsOf: rest.bytes.dropFirst())
      return bytes
    }
  }
}
