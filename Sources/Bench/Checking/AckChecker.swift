/// Follows the acknowledgements on one connection: each belongs to a message that was sent there and waits for it, and
/// messages sent one after the other stand in the room in that order.
struct AckChecker {
  struct Sent: Equatable {
    /// The message's number in the run.
    var number: Int64
    /// When it was to be sent, in nanoseconds.
    var intended: Int64
  }

  /// In the order in which they were sent; from `head` on they wait.
  private var sent: [Sent] = []
  private var head = 0
  private var lastNumber: Int64 = -1
  private var lastSeq: Int64 = 0

  /// Messages that wait for their acknowledgement.
  var waiting: Int { sent.count - head }
  var waitingNumbers: [Int64] { sent[head...].map(\.number) }

  mutating func send(_ message: Sent) {
    sent.append(message)
  }

  /// - Returns: the message that is acknowledged.
  /// - Throws: `foreignAck` where none such waits, `reordered` where it stands in the wrong order.
  mutating func acknowledge(_ number: Int64, seq: Int64) throws(Breach) -> Sent {
    let message = try take(number)
    defer {
      if number > lastNumber { (lastNumber, lastSeq) = (number, seq) }
    }
    guard (number > lastNumber) == (seq > lastSeq) else {
      throw Breach(.reordered, "message \(number) became seq \(seq), and message \(lastNumber) seq \(lastSeq)")
    }
    return message
  }

  /// Takes out a message that was refused.
  ///
  /// - Throws: `foreignAck` where none such waits.
  mutating func take(_ number: Int64) throws(Breach) -> Sent {
    guard let index = sent[head...].firstIndex(where: { $0.number == number }) else {
      throw Breach(.foreignAck, "an answer to message \(number), which waits for none on this connection")
    }
    let message = sent[index]
    if index == head { head += 1 } else { sent.remove(at: index) }
    compact()
    return message
  }

  private mutating func compact() {
    guard head == sent.count || head > 1_024 else { return }
    sent.removeSubrange(..<head)
    head = 0
  }
}
