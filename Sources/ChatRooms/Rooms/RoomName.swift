/// Names of rooms: 1 to 64 Unicode scalars without control characters, in NFC, compared bytewise.
public enum RoomName {
  /// The name as it is stored; `nil` is a room without one. - Throws: `ChatError` 400 `invalid_name`.
  public static func validated(_ name: String?) throws(ChatError) -> String? {
    guard let name else { return nil }
    return try NameRules.validated(name, "name", length: NameRules.name)
  }

  /// A topic: up to 1,024 Unicode scalars. - Throws: `ChatError` 400 `invalid_topic`.
  public static func validatedTopic(_ topic: String?) throws(ChatError) -> String? {
    guard let topic else { return nil }
    return try NameRules.validated(topic, "topic", length: NameRules.topic)
  }

  /// Whether a part of the name is this text, case aside, in any script.
  static func matches(_ name: String?, _ text: String) -> Bool {
    guard let name else { return false }
    return text.isEmpty || name.lowercased().contains(text.lowercased())
  }
}
