import ChatRooms

/// What a message is beside what it says, as words of the index: its room, its author, what its text holds.
///
/// One letter for the kind, then a value of which only letters and digits are left (names in hexadecimal).
enum MessageTags {
  /// Every message has it, so that there is something to take from in a search that only excludes.
  static let everything = "x"

  static func room(_ id: RoomID) -> String { id < 0 ? "n\(id.magnitude)" : "r\(id)" }
  static func author(_ name: String) -> String { "a" + hexadecimal(name) }
  static func mention(_ name: String) -> String { "m" + hexadecimal(name) }
  static func link(_ host: String) -> String { "l" + hexadecimal(host) }
  /// A part of a name, folded.
  static func part(_ word: String) -> String { "w" + word }
  static func sign(_ sign: String) -> String { "s" + hexadecimal(sign) }
  static func has(_ feature: SearchQuery.Feature) -> String { "h" + feature.rawValue }

  static func words(of message: Message) -> String {
    let features = MessageFeatures(message.text)
    var tags = [everything, room(message.room), author(message.user)]
    if !features.links.isEmpty { tags.append(has(.link)) }
    if features.hasCode { tags.append(has(.code)) }
    if !features.mentions.isEmpty { tags.append(has(.mention)) }
    if message.editedAt != nil { tags.append(has(.edit)) }
    tags += features.links.map(link) + features.mentions.map(mention)
    let extra = ExtraTerms(message.text)
    tags += extra.parts.map(part) + extra.signs.map(sign)
    return tags.joined(separator: " ")
  }

  private static func hexadecimal(_ text: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let bytes = text.utf8.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
