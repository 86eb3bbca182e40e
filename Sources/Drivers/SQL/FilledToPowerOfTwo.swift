extension Array {
  /// With its first element again and again, up to a power of two: of lists in statements there are few different
  /// lengths then, and so few statements to prepare.
  public func filledToPowerOfTwo() -> [Element] {
    guard let first else { return [] }
    let length = (0...).lazy.map { 1 << $0 }.first { $0 >= count } ?? count
    return self + repeatElement(first, count: length - count)
  }
}
