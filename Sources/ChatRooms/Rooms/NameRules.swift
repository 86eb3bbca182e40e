import Foundation

/// What names and short texts of users and rooms must look like.
enum NameRules {
  /// Unicode scalars.
  static let name = 1...64
  static let displayName = 1...128
  static let topic = 0...1_024

  /// The text in NFC, which is how it is stored and compared.
  ///
  /// - Throws: `ChatError` 400 `invalid_<parameter>` if it is too long, too short, or holds control characters.
  static func validated(_ text: String, _ parameter: String, length: ClosedRange<Int>) throws(ChatError) -> String {
    // Composing may lengthen a text, at most threefold: what is far too long is refused unread.
    guard text.utf8.count <= length.upperBound * 16 else { throw wrongLength(parameter, length) }
    let text = text.precomposedStringWithCanonicalMapping
    guard length.contains(text.unicodeScalars.count) else { throw wrongLength(parameter, length) }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw .invalid(parameter, "\(parameter) must not contain control characters.")
    }
    return text
  }

  private static func wrongLength(_ parameter: String, _ length: ClosedRange<Int>) -> ChatError {
    .invalid(parameter, "\(parameter) must have \(length.lowerBound) to \(length.upperBound) characters.")
  }
}
