import CHiredis
import CLinux
import Foundation

/// A socket to Redis and hiredis' reader of replies. Belongs to one thread.
///
/// hiredis connects, greets and parses; bytes are sent and received here, so that one thread can wait for replies and
/// for new commands at once.
@safe final class RedisConnection {
  private static let doNotWait = Int32(MSG_DONTWAIT)
  /// A peer that is gone is an error, not a SIGPIPE.
  private static let noSignal = Int32(MSG_NOSIGNAL)

  private let context: UnsafeMutablePointer<redisContext>
  private var receiveBuffer = [UInt8](repeating: 0, count: 64 * 1_024)

  /// Connects, authenticates and selects the database. Blocks for at most about `timeout` milliseconds, name resolution
  /// aside.
  init(_ url: RedisURL, timeout: Int) throws(RedisError) {
    let limit = timeval(tv_sec: timeout / 1_000, tv_usec: (timeout % 1_000) * 1_000)
    guard let context = unsafe redisConnectWithTimeout(url.host, Int32(url.port), limit) else {
      throw .unavailable("no memory")
    }
    unsafe self.context = context
    guard unsafe context.pointee.err == 0 else { throw .unavailable(unsafe Self.message(of: context)) }
    unsafe redisSetTimeout(context, limit)
    unsafe redisEnableKeepAlive(context)
    if let password = url.password { try greet(["AUTH"] + (url.user.map { [.text($0)] } ?? []) + [.text(password)]) }
    if url.database != 0 { try greet(["SELECT", .integer(Int64(url.database))]) }
    // A server that waits for a password says so now and not with the first command.
    try greet(["PING"])
  }

  deinit { unsafe redisFree(context) }

  var descriptor: Int32 { unsafe context.pointee.fd }

  private func greet(_ command: [RedisArgument]) throws(RedisError) {
    var bytes: [UInt8] = []
    RedisCommandEncoder.append(command, to: &bytes)
    let reply = try roundTrip(bytes)
    if case .error(let message) = reply { throw .refused(message) }
  }

  /// Sends and waits, as hiredis' blocking calls do.
  private func roundTrip(_ command: [UInt8]) throws(RedisError) -> RedisReply {
    let status = unsafe command.withUnsafeBytes { bytes in
      unsafe redisAppendFormattedCommand(context, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    }
    var reply: UnsafeMutableRawPointer?
    guard status == REDIS_OK, unsafe redisGetReply(context, &reply) == REDIS_OK else {
      throw .unavailable(unsafe Self.message(of: context))
    }
    return unsafe RedisReply(consuming: reply)
  }

  /// Sends what the socket takes now and returns how many bytes that was.
  func send(_ bytes: ArraySlice<UInt8>) throws(RedisError) -> Int {
    let sent = unsafe bytes.withUnsafeBytes {
      unsafe CLinux.send(descriptor, $0.baseAddress, $0.count, Self.doNotWait | Self.noSignal)
    }
    if sent >= 0 { return sent }
    guard errno == EAGAIN || errno == EINTR else { throw .unavailable(Self.systemError()) }
    return 0
  }

  /// Feeds what has arrived to the reader, without waiting.
  func receive() throws(RedisError) {
    let count = unsafe receiveBuffer.withUnsafeMutableBytes {
      unsafe recv(descriptor, $0.baseAddress, $0.count, Self.doNotWait)
    }
    if count > 0 {
      let status = unsafe receiveBuffer.withUnsafeBytes {
        unsafe redisReaderFeed(context.pointee.reader, $0.bindMemory(to: CChar.self).baseAddress, count)
      }
      guard status == REDIS_OK else { throw .unavailable("no memory for a reply") }
    } else if count == 0 {
      throw .unavailable("the server closed the connection")
    } else if errno != EAGAIN && errno != EINTR {
      throw .unavailable(Self.systemError())
    }
  }

  /// The next whole reply among what was received; `nil` if there is none yet.
  func nextReply() throws(RedisError) -> RedisReply? {
    var reply: UnsafeMutableRawPointer?
    guard unsafe redisReaderGetReply(context.pointee.reader, &reply) == REDIS_OK else {
      throw .unavailable("a reply that cannot be read")
    }
    guard unsafe reply != nil else { return nil }
    return unsafe RedisReply(consuming: reply)
  }

  private static func message(of context: UnsafeMutablePointer<redisContext>) -> String {
    unsafe withUnsafeBytes(of: context.pointee.errstr) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  private static func systemError() -> String { unsafe String(cString: strerror(errno)) }
}

extension RedisReply {
  /// Copies a reply of hiredis' and frees it.
  fileprivate init(consuming reply: UnsafeMutableRawPointer?) {
    guard let reply = unsafe reply else {
      self = .null
      return
    }
    self = unsafe RedisReply(copying: reply.assumingMemoryBound(to: redisReply.self))
    unsafe freeReplyObject(reply)
  }

  /// Recursion is bounded: the reader refuses replies nested deeper than its stack of 9.
  private init(copying reply: UnsafeMutablePointer<redisReply>) {
    let reply = unsafe reply.pointee
    switch unsafe reply.type {
    case REDIS_REPLY_INTEGER: self = unsafe .integer(Int64(reply.integer))
    case REDIS_REPLY_STATUS: self = .status(unsafe String(decoding: Self.bytes(of: reply), as: UTF8.self))
    case REDIS_REPLY_ERROR: self = .error(unsafe String(decoding: Self.bytes(of: reply), as: UTF8.self))
    case REDIS_REPLY_STRING: self = unsafe .bytes(Self.bytes(of: reply))
    case REDIS_REPLY_ARRAY:
      let elements = unsafe UnsafeBufferPointer(start: reply.element, count: reply.elements)
      self = .array(
        unsafe elements.map { element in
          guard let element = unsafe element else { return .null }
          return unsafe RedisReply(copying: element)
        })
    default: self = .null
    }
  }

  private static func bytes(of reply: redisReply) -> [UInt8] {
    guard let start = unsafe reply.str else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: reply.len))
  }
}
