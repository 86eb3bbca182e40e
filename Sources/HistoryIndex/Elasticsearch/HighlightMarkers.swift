/// Marks that Elasticsearch puts around what matched, and how to read them back.
///
/// They are random private-use characters, made anew for each search, so that no text can hold them.
struct HighlightMarkers {
  let before: String
  let after: String

  init() {
    func mark(_ kind: Unicode.Scalar) -> String {
      var scalars = String.UnicodeScalarView([kind])
      for _ in 0..<4 {
        scalars.append(Unicode.Scalar(UInt32.random(in: 0xE100...0xF8FF)) ?? kind)
      }
      return String(scalars)
    }
    before = mark("\u{E000}")
    after = mark("\u{E001}")
  }

  /// Where the marks stand, in UTF-16 units of the text without them. Empty if it is not that text.
  func highlights(in marked: String, of text: String) -> [Highlight] {
    let before = Array(before.utf16)
    let after = Array(after.utf16)
    let units = Array(marked.utf16)
    var found: [Highlight] = []
    var plain: [UInt16] = []
    plain.reserveCapacity(units.count)
    var open: Int?
    var index = 0
    while index < units.count {
      if units[index...].starts(with: before) {
        open = plain.count
        index += before.count
      } else if units[index...].starts(with: after) {
        if let start = open, plain.count > start { found.append(Highlight(start: start, length: plain.count - start)) }
        open = nil
        index += after.count
      } else {
        plain.append(units[index])
        index += 1
      }
    }
    return plain.elementsEqual(text.utf16) ? found : []
  }
}
