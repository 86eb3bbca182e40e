/// How `relevance` orders what it finds. Both back ends compute the same.
enum SearchRelevance {
  /// What a message is worth beside its words if it matches as the query was typed, and not only by inflections: what no
  /// words' scores reach together, so that such messages come first and scores fall along the list.
  static let exactScore = 1_000.0
}
