/// A text whose words are looked for where they may stand, without cutting all of it as `AnalyzedText` does. What it
/// finds is the same.
///
/// Most texts are ASCII, where a word is a run of letters and digits and can be found among the bytes. What is not is cut
/// as ever, between the nearest separators that have ASCII on both sides: no word, and no character, reaches over those.
struct ScannedText {
  /// A word that stands somewhere, and what is looked at next.
  private struct Place {
    /// UTF-16 units.
    var units: Range<Int>
    var next: Int
    /// The island that `next` lies in, or that comes next.
    var island: Int
    /// Its token that comes next.
    var token = 0
  }

  private let bytes: [UInt8]
  private var islands: [TextIsland] = []

  /// A run of letters and digits that covers so many multiples of `stride` may be longer than a word can be.
  private static let longRun = 15
  private static let stride = 16

  /// `nil` for a text with a run that may be longer than a word can be.
  init?(_ text: String, _ analysis: SharedAnalysis) {
    bytes = Array(text.utf8)
    guard !hasLongRun else { return nil }
    var index = FoldedBytes.firstBeyondASCII(in: bytes, from: 0)
    while index < bytes.count {
      let range = island(around: index)
      islands.append(
        TextIsland(Array(bytes[range]), at: range, excess: islands.last?.excess ?? 0, analysis))
      index = FoldedBytes.firstBeyondASCII(in: bytes, from: islands.last?.bytes.upperBound ?? bytes.count)
    }
  }

  private var hasLongRun: Bool {
    var run = 0
    for index in Swift.stride(from: 0, to: bytes.count, by: Self.stride) {
      run = FoldedBytes.isWord(bytes[index]) ? run + 1 : 0
      guard run >= Self.longRun else { continue }
      // Mostly by chance, of many words.
      let covered = bytes[(index - (Self.longRun - 1) * Self.stride)...index]
      guard let gap = covered.lastIndex(where: { !FoldedBytes.isWord($0) }) else { return true }
      run = index / Self.stride - gap / Self.stride
    }
    return false
  }

  private func island(around index: Int) -> Range<Int> {
    let floor = islands.last?.bytes.upperBound ?? 0
    var start = index
    while start > floor, !isSeparator(start - 1) { start -= 1 }
    var end = index
    while end < bytes.count, !isSeparator(end) { end += 1 }
    return start..<end
  }

  /// Nothing reaches over this byte.
  private func isSeparator(_ index: Int) -> Bool {
    guard bytes[index] < 0x80, !FoldedBytes.isWord(bytes[index]) else { return false }
    return (index == 0 || bytes[index - 1] < 0x80) && (index + 1 == bytes.count || bytes[index + 1] < 0x80)
  }

  // MARK: Words

  /// Where words stand next to each other, in UTF-16 units; in no order.
  ///
  /// - Parameters:
  ///   - words: folded, as the index holds them.
  ///   - isPrefix: the last may be the beginning of a longer one.
  func ranges(of words: [[UInt8]], isPrefix: Bool) -> [Range<Int>] {
    guard let first = words.first else { return [] }
    let isOnlyOne = words.count == 1
    var found: [Range<Int>] = []
    func take(_ place: Place) {
      if let end = end(of: words, from: place, isPrefix: isPrefix) { found.append(place.units.lowerBound..<end) }
    }
    if first.allSatisfy(FoldedBytes.isWord) {
      find(first) { index, island in
        guard index == 0 || !FoldedBytes.isWord(bytes[index - 1]) else { return }
        let end = endOfWord(index + first.count)
        guard end == index + first.count || isOnlyOne && isPrefix else { return }
        take(Place(units: units(index..<end, before: island), next: end, island: island))
      }
    }
    for (number, island) in islands.enumerated() where island.mayHold(first) {
      for (index, token) in island.tokens.enumerated() where Self.matches(token, first, isPrefix: isPrefix && isOnlyOne)
      {
        let units = token.start..<max(token.start, token.end)
        take(Place(units: units, next: island.bytes.lowerBound, island: number, token: index + 1))
      }
    }
    return found
  }

  /// Where the last of the words ends, if the others follow the first.
  private func end(of words: [[UInt8]], from first: Place, isPrefix: Bool) -> Int? {
    var place = first
    for index in 1..<max(1, words.count) {
      let mayGoOn = isPrefix && index == words.count - 1
      guard let next = nextPlace(after: place, words[index], mayGoOn: mayGoOn) else { return nil }
      place = next
    }
    return max(first.units.lowerBound, place.units.upperBound)
  }

  /// The next word, if it is this one.
  private func nextPlace(after place: Place, _ word: [UInt8], mayGoOn: Bool) -> Place? {
    var place = place
    while true {
      if place.island < islands.count, place.next >= islands[place.island].bytes.lowerBound {
        let island = islands[place.island]
        guard place.token < island.tokens.count else {
          place = Place(units: place.units, next: island.bytes.upperBound, island: place.island + 1)
          continue
        }
        let token = island.tokens[place.token]
        guard Self.matches(token, word, isPrefix: mayGoOn) else { return nil }
        place.token += 1
        place.units = token.start..<max(token.start, token.end)
        return place
      }
      guard place.next < bytes.count else { return nil }
      guard FoldedBytes.isWord(bytes[place.next]) else {
        place.next += 1
        continue
      }
      guard FoldedBytes.holds(word, bytes, at: place.next) else { return nil }
      let end = endOfWord(place.next + word.count)
      guard mayGoOn || end == place.next + word.count else { return nil }
      return Place(units: units(place.next..<end, before: place.island), next: end, island: place.island)
    }
  }

  private static func matches(_ token: TextToken, _ word: [UInt8], isPrefix: Bool) -> Bool {
    isPrefix ? token.text.utf8.starts(with: word) : token.text.utf8.elementsEqual(word)
  }

  // MARK: Parts of names

  /// Where a part of a name stands, in UTF-16 units; in no order.
  ///
  /// - Parameter part: folded, letters and digits of ASCII first.
  func ranges(ofPart part: [UInt8], isPrefix: Bool) -> [Range<Int>] {
    var found: [Range<Int>] = []
    if part.allSatisfy(FoldedBytes.isWord) {
      find(part) { index, island in
        guard let end = endOfPart(index, part.count, isPrefix: isPrefix) else { return }
        found.append(units(index..<end, before: island))
      }
    }
    for island in islands where island.mayHold(part) {
      found += Self.ranges(of: part, among: NameParts.of(island.string), isPrefix: isPrefix).map { range in
        (island.start + range.lowerBound)..<(island.start + range.upperBound)
      }
    }
    return found
  }

  /// - Parameter parts: by their start, then by their end. Of those that begin alike the shortest is enough.
  static func ranges(of part: [UInt8], among parts: [TextToken], isPrefix: Bool) -> [Range<Int>] {
    var found: [Range<Int>] = []
    for token in parts where matches(token, part, isPrefix: isPrefix) && token.start != found.last?.lowerBound {
      found.append(token.start..<token.end)
    }
    return found
  }

  private func endOfPart(_ start: Int, _ count: Int, isPrefix: Bool) -> Int? {
    var first = start
    while first > 0, FoldedBytes.isWord(bytes[first - 1]) { first -= 1 }
    let last = endOfWord(start + count)
    return NameParts.end(of: start, count, isPrefix: isPrefix, bytes, in: first..<last)
  }

  // MARK: Bytes

  /// Calls `found` with each place of a word between the islands, and the number of the island that comes next.
  private func find(_ word: [UInt8], _ found: (Int, Int) -> Void) {
    var start = 0
    for number in 0...islands.count {
      let end = number < islands.count ? islands[number].bytes.lowerBound : bytes.count
      FoldedBytes.find(word, in: bytes, from: start, to: end) { found($0, number) }
      start = number < islands.count ? islands[number].bytes.upperBound : end
    }
  }

  private func endOfWord(_ index: Int) -> Int {
    var end = index
    while end < bytes.count, FoldedBytes.isWord(bytes[end]) { end += 1 }
    return end
  }

  /// - Parameter island: the one that comes behind these bytes.
  private func units(_ range: Range<Int>, before island: Int) -> Range<Int> {
    let excess = island > 0 ? islands[island - 1].excess : 0
    return (range.lowerBound - excess)..<(range.upperBound - excess)
  }
}
