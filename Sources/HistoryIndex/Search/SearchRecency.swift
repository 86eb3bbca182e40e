import ChatRooms

/// How much newer messages are preferred by `relevance`: to a score of words comes one of time, `weight` for a message
/// of this moment, half of that after `pivot`, a third after twice as long. Both back ends compute the same.
enum SearchRecency {
  /// About what one word of middling rarity is worth.
  static let weight = 2.0
  static let pivotDays: Int64 = 30
  static let pivot: Milliseconds = pivotDays * 86_400_000
}
