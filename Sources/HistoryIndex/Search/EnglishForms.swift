/// Likely inflections of an English word, which widen a search by relevance: `run` also finds `runs` and `running`.
///
/// Made from the query, so that no message pays for it (a stemmed field costs a third of the index and more than that of
/// ingest). Forms that are no words cost a look into the dictionary.
enum EnglishForms {
  private static let lengths = 3...24

  /// Other forms of a word, folded; none if it is not a plain one.
  static func of(_ typed: String) -> [String] {
    let word = Array(LiteralCheck.trimmed(typed).utf8.map { $0 | 0x20 })
    guard lengths.contains(word.count), word.allSatisfy({ 0x61...0x7A ~= $0 }), word.count == trimmedCount(typed)
    else { return [] }
    var forms: [String] = []
    for stem in stems(of: String(decoding: word, as: UTF8.self)) {
      for form in inflections(of: stem) where !forms.contains(form) { forms.append(form) }
    }
    return forms.filter { $0.utf8.count >= lengths.lowerBound && !$0.utf8.elementsEqual(word) }
  }

  private static func trimmedCount(_ typed: String) -> Int {
    LiteralCheck.trimmed(typed).utf8.count { TextCutter.lowercased($0) != nil }
  }

  /// What the word may be an inflection of; itself first.
  private static func stems(of word: String) -> [String] {
    var stems = [word]
    func add(_ suffix: String, _ replacements: [String], atLeast length: Int = 3) {
      guard word.hasSuffix(suffix), word.utf8.count - suffix.utf8.count >= length else { return }
      stems += replacements.map { word.dropLast(suffix.utf8.count) + $0 }
    }
    if word.hasSuffix("ies") {
      add("ies", ["y"], atLeast: 2)
    } else if word.hasSuffix("es"), !word.hasSuffix("ses") || word.hasSuffix("sses") {
      add("es", ["", "e"])
    } else if !word.hasSuffix("ss"), !word.hasSuffix("us"), !word.hasSuffix("is") {
      add("s", [""])
    }
    for suffix in ["ing", "ed"] {
      add(suffix, ["", "e"])
      if let single = undoubled(word, suffix) { stems.append(single) }
    }
    if word.hasSuffix("ied") { add("ied", ["y"], atLeast: 2) }
    return stems
  }

  /// `running` → `run`.
  private static func undoubled(_ word: String, _ suffix: String) -> String? {
    guard word.hasSuffix(suffix) else { return nil }
    let stem = Array(word.dropLast(suffix.count))
    guard stem.count >= 4, stem[stem.count - 1] == stem[stem.count - 2] else { return nil }
    return String(stem.dropLast())
  }

  private static func inflections(of stem: String) -> [String] {
    let letters = Array(stem)
    guard letters.count >= 2, let last = letters.last else { return [] }
    let before = letters[letters.count - 2]
    let isVowel = { (letter: Character) in "aeiou".contains(letter) }
    switch last {
    case "e": return [stem, stem + "s", stem + "d", stem.dropLast() + "ing"]
    case "y" where !isVowel(before):
      return [stem, stem.dropLast() + "ies", stem.dropLast() + "ied", stem + "ing"]
    case "s", "x", "z": return [stem, stem + "es", stem + "ed", stem + "ing"]
    case "h" where before == "c" || before == "s": return [stem, stem + "es", stem + "ed", stem + "ing"]
    default: break
    }
    var forms = [stem, stem + "s", stem + "ed", stem + "ing"]
    let isShort = letters.count == 3 || letters.count == 4 && !isVowel(letters[1])
    if isShort, isVowel(before), !isVowel(last), !"wxy".contains(last), !isVowel(letters[letters.count - 3]) {
      forms += [stem + "\(last)ed", stem + "\(last)ing"]
    }
    return forms
  }
}
