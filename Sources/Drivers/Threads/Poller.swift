import CLinux

/// An epoll instance, for one thread. Level-triggered: what is not taken now is reported again.
public final class Poller: @unchecked Sendable {
  public struct Event {
    public var token: UInt64
    private var flags: UInt32

    init(token: UInt64, flags: UInt32) {
      self.token = token
      self.flags = flags
    }

    public var isReadable: Bool { flags & EPOLLIN.rawValue != 0 }
    public var isWritable: Bool { flags & EPOLLOUT.rawValue != 0 }
    /// Both directions are closed or the connection was reset; reported whether asked for or not.
    public var isBroken: Bool { flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
  }

  public struct Interest: Equatable, Sendable {
    public var reading: Bool
    public var writing: Bool

    public init(reading: Bool, writing: Bool) {
      self.reading = reading
      self.writing = writing
    }

    fileprivate var flags: UInt32 {
      (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
    }
  }

  private static let capacity = 256
  private let epoll: Int32
  private var tokens = [UInt64](repeating: 0, count: capacity)
  private var flags = [UInt32](repeating: 0, count: capacity)

  /// Returns `nil` where the process may open no more files.
  public init?() {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    if epoll < 0 { return nil }
  }

  deinit { close(epoll) }

  @discardableResult
  public func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) -> Bool {
    palaver_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, interest.flags, token) == 0
  }

  public func change(_ descriptor: Int32, token: UInt64, to interest: Interest) {
    _ = palaver_epoll_control(epoll, EPOLL_CTL_MOD, descriptor, interest.flags, token)
  }

  public func remove(_ descriptor: Int32) {
    _ = palaver_epoll_control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0)
  }

  /// - Parameter timeout: milliseconds; -1 for ever.
  public func wait(timeout: Int32) -> [Event] {
    let count = unsafe palaver_epoll_wait(epoll, &tokens, &flags, Int32(Self.capacity), timeout)
    guard count > 0 else { return [] }
    return (0..<Int(count)).map { Event(token: tokens[$0], flags: flags[$0]) }
  }
}
