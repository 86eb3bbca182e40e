import Drivers

/// Words of what was sent, to search for: a bounded sample, renewed as more is sent.
struct SentWords {
  private struct Word {
    var bytes: [UInt8]
    /// The message's number.
    var message: Int64
  }

  private static let capacity = 4_096
  /// Shorter ones are the numbers that texts begin with, or nobody's query.
  private static let shortest = 4
  private var words: [Word] = []
  private var seen: UInt64 = 0

  /// Takes one of a text's words.
  mutating func add(from text: ArraySlice<UInt8>, of message: Int64, using random: inout SplitMix64) {
    let candidates = text.split(separator: UInt8(ascii: " ")).filter { word in
      word.count >= Self.shortest && word.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }
    guard let chosen = candidates.randomElement(using: &random) else { return }
    let word = Word(bytes: Array(chosen), message: message)
    seen += 1
    if words.count < Self.capacity {
      words.append(word)
    } else if case let place = UInt64.random(in: 0..<seen, using: &random), place < UInt64(Self.capacity) {
      // Each word that ever came has the same chance to be in the sample.
      words[Int(place)] = word
    }
  }

  /// Forgets what was not stored after all.
  mutating func remove(of message: Int64) { words.removeAll { $0.message == message } }

  func draw(using random: inout SplitMix64) -> [UInt8]? { words.randomElement(using: &random)?.bytes }
}
