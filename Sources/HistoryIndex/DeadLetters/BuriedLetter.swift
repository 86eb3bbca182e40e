import ChatRooms

/// A dead letter as it lies in the table.
public struct BuriedLetter: Sendable, Equatable {
  /// What it is called: the lane and the position of its event, `3-1207`.
  public struct ID: Sendable, Hashable, CustomStringConvertible {
    public var lane: Int
    public var position: Int64

    public init(lane: Int, position: Int64) {
      self.lane = lane
      self.position = position
    }

    /// `nil` for what is no such name.
    public init?(_ text: String) {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 2, let lane = UInt16(parts[0]), let position = Int64(parts[1]), position > 0 else {
        return nil
      }
      self.init(lane: Int(lane), position: position)
    }

    public var description: String { "\(lane)-\(position)" }
  }

  public var letter: DeadLetter
  public var buriedAt: Milliseconds
  /// Elasticsearch's routing of the document.
  var routing: String

  public var id: ID { ID(lane: letter.lane, position: letter.position) }
}
