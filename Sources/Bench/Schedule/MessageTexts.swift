import Drivers
import Foundation

/// Texts to send: made-up words, a few of them often and most of them seldom, as in any language.
struct MessageTexts {
  /// Words that exist in all.
  private static let vocabularySize = 4_000
  private static let syllables = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "xi", "yo",
    "zu",
  ]

  /// Bytes of a text.
  let size: Int
  private let vocabulary: [[UInt8]]
  private var random: SplitMix64

  /// - Parameter size: bytes, at least 1.
  init(size: Int, seed: UInt64) {
    self.size = size
    random = SplitMix64(seed: seed)
    vocabulary = (0..<Self.vocabularySize).map { Array(Self.word($0).utf8) }
  }

  /// Three syllables; each number gives another word.
  private static func word(_ number: Int) -> String {
    var rest = number
    var word = ""
    for _ in 0..<3 {
      word += syllables[rest % syllables.count]
      rest /= syllables.count
    }
    return number % 3 == 0 ? word + "n" : word
  }

  /// Appends words until `size` bytes stand behind `start`.
  mutating func append(to bytes: inout [UInt8], from start: Int) {
    while bytes.count - start < size {
      let word = vocabulary[drawIndex()]
      let room = size - (bytes.count - start)
      // A cut word would be another word: what is left is filled with dots.
      guard word.count < room else {
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "."), count: room))
        return
      }
      bytes.append(contentsOf: word)
      bytes.append(UInt8(ascii: " "))
    }
  }

  /// Seldom a high number: the density falls as one by the number, as Zipf found of words.
  private mutating func drawIndex() -> Int {
    let uniform = Double.random(in: 0..<1, using: &random)
    return min(Self.vocabularySize - 1, Int(pow(Double(Self.vocabularySize), uniform)) - 1)
  }
}
