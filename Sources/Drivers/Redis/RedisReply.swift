/// What Redis answers to a command.
public enum RedisReply: Sendable, Equatable {
  case null
  case integer(Int64)
  /// `OK` and the like.
  case status(String)
  case bytes([UInt8])
  case array([RedisReply])
  /// The command failed; `NOSCRIPT`, `WRONGTYPE` … begin the message. Inside of an array, one element failed.
  case error(String)

  /// An integer, also where it came as text.
  public var integer: Int64? {
    switch self {
    case .integer(let integer): integer
    case .bytes, .status: text.flatMap { Int64($0) }
    default: nil
    }
  }

  public var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
  public var array: [RedisReply]? { if case .array(let elements) = self { elements } else { nil } }

  /// Text; what is not UTF-8 in it is replaced.
  public var text: String? {
    switch self {
    case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
    case .status(let text): text
    default: nil
    }
  }
}

/// Why a command brought no reply.
public enum RedisError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There is no connection, or it broke: it is unknown whether a command under way took effect.
  case unavailable(String)
  /// No reply within the deadline. The command may still take effect.
  case timeout
  /// More waits to be sent than `RedisClient.maximumBacklog`.
  case overloaded
  /// Redis refused; its own words.
  case refused(String)

  public var description: String {
    switch self {
    case .unavailable(let reason): "Redis is unavailable: \(reason)"
    case .timeout: "Redis did not answer in time"
    case .overloaded: "too many commands wait for Redis"
    case .refused(let message): "Redis refused: \(message)"
    }
  }
}
