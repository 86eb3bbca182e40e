import ChatRooms

/// Messages of consecutive numbers in their present state, each as the JSON object that stands in pages.
///
/// The objects lie behind each other in one piece of memory, a comma between them: a page is copied out of few pieces, a
/// frame of a join is made of an object with little to add, and a message takes little more than its bytes. Copies share
/// that memory until one of them changes.
struct MessageBlock: Sendable {
  /// Messages of a whole block. Block 0 begins with message 1.
  static let size: Int64 = 64

  private struct Mark: Sendable, Equatable {
    var event: Int64
    var revised: Int64
    /// Where the object ends.
    var end: UInt32
    var isDeleted: Bool
  }

  let firstSeq: Int64
  private var objects: [UInt8] = []
  private var marks: [Mark] = []

  init(firstSeq: Int64) { self.firstSeq = firstSeq }

  static func number(of seq: Int64) -> Int64 { (seq - 1) / size }
  static func seqs(of number: Int64) -> ClosedRange<Int64> { number * size + 1...(number + 1) * size }

  var number: Int64 { Self.number(of: firstSeq) }
  var lastSeq: Int64 { firstSeq + Int64(marks.count) - 1 }
  var count: Int { marks.count }
  /// No further message belongs to it.
  var isFull: Bool { lastSeq == Self.seqs(of: number).upperBound }
  /// It has all messages of its number.
  var isWhole: Bool { marks.count == Int(Self.size) }
  /// Bytes held.
  var byteCount: Int { objects.capacity + marks.capacity * MemoryLayout<Mark>.stride + 128 }

  func contains(_ seq: Int64) -> Bool { seq >= firstSeq && seq <= lastSeq }

  /// Whether another has each message in the same state.
  func isSame(as other: MessageBlock) -> Bool { firstSeq == other.firstSeq && marks == other.marks }

  // MARK: Changes

  /// Takes the message behind the last.
  mutating func append(_ message: Message) {
    if !marks.isEmpty { objects.append(UInt8(ascii: ",")) }
    objects.append(contentsOf: MessageWire.object(message))
    marks.append(Self.mark(message, end: objects.count))
    if isFull { tighten() }
  }

  /// Takes a state of a message that it has, unless its own is as new.
  mutating func replace(_ message: Message) {
    guard let index = index(of: message.seq), marks[index].revised < message.revised else { return }
    let range = range(at: index)
    let object = MessageWire.object(message)
    objects.replaceSubrange(range, with: object)
    marks[index] = Self.mark(message, end: range.lowerBound + object.count)
    for later in marks.indices.dropFirst(index + 1) {
      marks[later].end = UInt32(clamping: Int(marks[later].end) + object.count - range.count)
    }
    if isFull { tighten() }
  }

  private static func mark(_ message: Message, end: Int) -> Mark {
    Mark(event: message.event, revised: message.revised, end: UInt32(clamping: end), isDeleted: message.isDeleted)
  }

  /// Gives back what was reserved for messages that do not come any more.
  private mutating func tighten() {
    guard objects.capacity > objects.count + objects.count / 16 else { return }
    var exact: [UInt8] = []
    exact.reserveCapacity(objects.count)
    exact.append(contentsOf: objects)
    objects = exact
  }

  // MARK: Messages

  /// `nil` where it is not here.
  func isDeleted(_ seq: Int64) -> Bool? { index(of: seq).map { marks[$0].isDeleted } }

  /// The event that created a message.
  func event(of seq: Int64) -> Int64? { index(of: seq).map { marks[$0].event } }

  /// The objects of a run of messages, with commas between them; none where they are not all here.
  func objects(of seqs: ClosedRange<Int64>) -> ArraySlice<UInt8> {
    guard let first = index(of: seqs.lowerBound), let last = index(of: seqs.upperBound) else { return [] }
    return objects[range(at: first).lowerBound..<range(at: last).upperBound]
  }

  func object(of seq: Int64) -> ArraySlice<UInt8>? { index(of: seq).map { objects[range(at: $0)] } }

  func message(_ seq: Int64) -> Message? {
    guard let index = index(of: seq) else { return nil }
    return try? MessageWire.message(Array(objects[range(at: index)]), isDeleted: marks[index].isDeleted)
  }

  /// Messages that are not deleted.
  var visibleCount: Int { marks.count { !$0.isDeleted } }

  /// Those that are no longer as they were sent.
  var changed: [Int64] {
    marks.indices.filter { marks[$0].revised > marks[$0].event }.map { firstSeq + Int64($0) }
  }

  private func index(of seq: Int64) -> Int? { contains(seq) ? Int(seq - firstSeq) : nil }

  private func range(at index: Int) -> Range<Int> {
    (index == 0 ? 0 : Int(marks[index - 1].end) + 1)..<Int(marks[index].end)
  }
}
