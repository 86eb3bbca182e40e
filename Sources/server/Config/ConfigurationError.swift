/// What is wrong with the command line, the environment or the config file: one line, for a person.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  var message: String

  init(_ message: String) {
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// - Parameters:
  ///   - origin: where the value came from: a flag, a variable, a line of the config file.
  ///   - value: what came, secrets masked.
  ///   - expected: what would do, with an example.
  init(_ origin: String, got value: String, expected: String) {
    self.init("\(origin): got '\(value)', expected \(expected)")
  }

  var description: String { message }
}
