/// The name of an uninterrupted stretch of a room's history.
public enum RoomEpoch {
  /// A new one: 8 random digits of base 36.
  public static func random() -> String {
    let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz")
    return String((0..<8).compactMap { _ in digits.randomElement() })
  }
}
