/// What names of mixed case consist of: `getUserByID2` → `get`, `user`, `by`, `id`, and `getuser`, `userbyid`, `id2`.
///
/// A name is cut before its humps and between letters and digits. A part is any run of neighbouring pieces, but not the
/// whole name, which is a word. Words of one case (`utf8`, a hash) are no names.
enum NameParts {
  private static let shortest = 2
  /// Names of more pieces (most of them were made by machines) have only parts of a few pieces, and those of very many
  /// only single pieces, so that no text has very many parts.
  private static let mostPieces = 8
  private static let fewPieces = 3
  private static let veryManyPieces = 32
  /// Letters of a part of several pieces.
  private static let longest = 64

  /// All parts of a text's names, by their start, then by their end.
  static func of(_ text: String) -> [TextToken] {
    text.utf8.allSatisfy { $0 < 0x80 }
      ? tokens(Array(text.utf8)) { String(decoding: $0, as: UTF8.self) }
      : tokens(Array(text.utf16)) { String(decoding: $0, as: UTF16.self) }
  }

  private static func tokens<Unit>(_ units: [Unit], _ string: (ArraySlice<Unit>) -> String) -> [TextToken]
  where Unit: FixedWidthInteger & UnsignedInteger {
    var found: [TextToken] = []
    var index = 0
    while index < units.count {
      guard isWord(units[index]) else {
        index += 1
        continue
      }
      let start = index
      var hasCapital = false
      while index < units.count, isWord(units[index]) {
        hasCapital = hasCapital || isCapital(units[index])
        index += 1
      }
      // No name is without one.
      guard hasCapital, index - start > shortest, let cuts = cuts(units, start..<index) else { continue }
      for first in cuts.indices.dropLast() {
        for end in ends(from: first, cuts) {
          let text = SearchFolding.analyzed(string(units[cuts[first]..<end]))
          found.append(TextToken(text: text, start: cuts[first], end: end))
        }
      }
    }
    return found
  }

  /// Where a part ends that begins at `start` and is, or begins with, so many letters; the shortest of them.
  ///
  /// - Parameter run: the whole word that they are in.
  static func end(of start: Int, _ count: Int, isPrefix: Bool, _ bytes: [UInt8], in run: Range<Int>) -> Int? {
    guard run.count > shortest, let cuts = cuts(bytes, run), let first = cuts.firstIndex(of: start) else { return nil }
    return ends(from: first, cuts).first { isPrefix ? $0 >= start + count : $0 == start + count }
  }

  // MARK: Cuts

  /// Where the pieces of a name begin, and its end; `nil` for a plain word.
  ///
  /// - Parameter units: UTF-16 units, or bytes of ASCII.
  private static func cuts<Unit: FixedWidthInteger & UnsignedInteger>(_ units: [Unit], _ run: Range<Int>) -> [Int]? {
    var cuts: [Int] = []
    var (hasHump, hasCapital, hasSmall) = (false, false, false)
    for index in run {
      hasCapital = hasCapital || isCapital(units[index])
      hasSmall = hasSmall || isSmall(units[index])
      guard index > run.lowerBound else { continue }
      let isHump = isHump(units, index, in: run)
      if isHump || isDigit(units[index]) != isDigit(units[index - 1]) { cuts.append(index) }
      hasHump = hasHump || isHump
    }
    guard !cuts.isEmpty, hasHump || hasCapital && hasSmall else { return nil }
    return [run.lowerBound] + cuts + [run.upperBound]
  }

  private static func isHump<Unit: FixedWidthInteger & UnsignedInteger>(
    _ units: [Unit], _ index: Int, in run: Range<Int>
  ) -> Bool {
    guard isCapital(units[index]) else { return false }
    return !isCapital(units[index - 1]) || index + 1 < run.upperBound && isSmall(units[index + 1])
  }

  /// The ends of the parts that begin with a piece, rising.
  private static func ends(from first: Int, _ cuts: [Int]) -> [Int] {
    let pieces = cuts.count - 1
    let most = pieces <= mostPieces ? pieces : pieces <= veryManyPieces ? fewPieces : 1
    let last = min(first + most, pieces)
    guard first < last else { return [] }
    return (first + 1...last).compactMap { piece in
      let length = cuts[piece] - cuts[first]
      let isWhole = first == 0 && piece == pieces
      return isWhole || length < shortest || piece > first + 1 && length > longest ? nil : cuts[piece]
    }
  }

  // MARK: Letters

  /// ASCII, and small letters of other alphabets between.
  private static func isWord<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool {
    isCapital(unit) || isSmall(unit) || isDigit(unit)
  }
  private static func isCapital<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool { 0x41...0x5A ~= unit }
  private static func isDigit<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool { 0x30...0x39 ~= unit }
  private static func isSmall<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool {
    0x61...0x7A ~= unit || 0xDF...0x24F ~= UInt16(truncatingIfNeeded: unit)
  }
}
