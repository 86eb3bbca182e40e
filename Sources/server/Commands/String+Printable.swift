extension String {
  /// One line, in which what somebody sent cannot steer the terminal.
  var printable: String {
    var result = UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control: result.append(scalar == "\n" ? "⏎" : scalar == "\t" ? " " : "\u{FFFD}")
      case .lineSeparator, .paragraphSeparator: result.append("⏎")
      case .format where Self.isDirection(scalar): result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Embeddings, overrides and isolates, which turn around what stands behind them, beyond the text's end.
  private static func isDirection(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
