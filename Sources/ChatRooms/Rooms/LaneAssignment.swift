/// Which lane of the journal orders a room's events.
public enum LaneAssignment {
  /// 0 ..< count. Spreads neighbouring ids (the finalizer of SplitMix64, Steele et al. 2014).
  public static func lane(of room: RoomID, count: Int) -> Int {
    var bits = UInt64(bitPattern: room) &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    bits ^= bits >> 31
    return Int(bits % UInt64(max(1, count)))
  }
}
