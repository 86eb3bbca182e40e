/// Names of users: 1 to 64 Unicode scalars without control characters, in NFC, compared bytewise.
public enum UserName {
  /// The name as it is stored. - Throws: `ChatError` 400 `invalid_name`.
  public static func validated(_ name: String) throws(ChatError) -> String {
    let name = try NameRules.validated(name, "name", length: NameRules.name)
    guard name != DeletedUser.name else {
      throw .invalid("name", "'\(name)' stands for everybody who was deleted, and can be nobody's name.")
    }
    return name
  }

  /// As `validated`; `nil` is no display name. - Throws: `ChatError` 400 `invalid_display_name`.
  public static func validatedDisplayName(_ name: String?) throws(ChatError) -> String? {
    guard let name else { return nil }
    return try NameRules.validated(name, "display_name", length: NameRules.displayName)
  }
}
