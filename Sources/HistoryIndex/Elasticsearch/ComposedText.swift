import Foundation

/// Unicode's composed form (NFC), which the index's analyzer needs to tell that `é` is `e` with an accent.
enum ComposedText {
  /// `nil` where the text is composed already, as nearly all texts are.
  static func ifDifferent(_ text: String) -> String? {
    guard text.unicodeScalars.contains(where: mayCompose) else { return nil }
    let composed = text.precomposedStringWithCanonicalMapping
    return composed.utf8.elementsEqual(text.utf8) ? nil : composed
  }

  /// Marks and Hangul letters join with what stands before them. (A handful of characters that NFC replaces by others
  /// are left: the analyzer folds them itself.)
  private static func mayCompose(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    if scalar.value >= 0x3400 { return false }
    return (0x1160...0x11FF).contains(scalar.value) || scalar.properties.canonicalCombiningClass != .notReordered
  }
}
