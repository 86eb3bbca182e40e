import ChatRooms

/// A search as a tree, which both back ends compile. Made by `SearchQueryParser` from what the user typed.
public indirect enum SearchQuery: Sendable, Equatable {
  /// Every message: an empty query.
  case everything
  /// All words of the text must stand there, each as the analyzer cuts it; from one whitespace-separated word.
  case word(String)
  /// The words in this order, next to each other.
  case phrase(String)
  /// Words that begin so (`word*`).
  case prefix(String)
  /// A case-sensitive substring.
  case literal(String)
  /// The author's name, bytewise.
  case author(String)
  /// A room by its name, or by its number (`#12`).
  case room(RoomReference)
  /// Sent in this half-open time.
  case time(from: Milliseconds?, to: Milliseconds?)
  case has(Feature)
  case mentions(String)
  /// A link to this host, or one below it.
  case link(host: String)
  case not(SearchQuery)
  case all([SearchQuery])
  case any([SearchQuery])

  public enum RoomReference: Sendable, Equatable {
    case name(String)
    case id(RoomID)
  }

  public enum Feature: String, Sendable, CaseIterable {
    case link, code, mention, edit
  }
}
