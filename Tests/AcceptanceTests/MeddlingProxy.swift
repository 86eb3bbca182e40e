import Drivers
import Foundation
import TestSupport

/// A proxy in front of a server that breaks one of its promises, once on each connection.
final class MeddlingProxy: Sendable {
  enum Fault: Sendable {
    case losesMessage, doublesMessage, swapsMessages, doublesAck, wrongPage
  }

  private let listener: ListeningSocket
  var port: Int { listener.port }

  init(upstream: Int, fault: Fault) throws {
    let listener = try ListeningSocket()
    self.listener = listener
    _ = WorkerThread(name: "meddler") {
      while let front = listener.accept() {
        guard let back = try? Socket(port: upstream) else { continue }
        Link(front: front, back: back).run(fault)
      }
    }
  }

  func stop() { listener.stop() }
}

/// A connection through the proxy: a thread a direction. Its sockets are closed with it, when both have ended.
private final class Link: @unchecked Sendable {
  private let front: Socket
  private let back: Socket

  init(front: Socket, back: Socket) {
    self.front = front
    self.back = back
  }

  func run(_ fault: MeddlingProxy.Fault) {
    _ = WorkerThread(name: "meddler-up") { [self] in
      while let bytes = try? front.receive(until: .now + .seconds(600)), (try? back.send(bytes)) != nil {}
      back.abort()
    }
    _ = WorkerThread(name: "meddler-down") { [self] in
      var meddler = Meddler(fault: fault)
      while let bytes = try? back.receive(until: .now + .seconds(600)), (try? front.send(meddler.pass(bytes))) != nil {}
      front.abort()
    }
  }
}

/// What a proxy makes of the bytes of one connection.
private struct Meddler {
  /// The frame of its kind that is meddled with.
  private static let victim = 5

  let fault: MeddlingProxy.Fault
  private var rest: [UInt8] = []
  private var isWebSocket: Bool?
  private var count = 0
  private var held: [UInt8] = []

  init(fault: MeddlingProxy.Fault) { self.fault = fault }

  mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
    rest += bytes
    guard let isWebSocket = isWebSocket ?? handshake() else { return [] }
    self.isWebSocket = isWebSocket
    guard isWebSocket else { return takePage() }
    var out: [UInt8] = takeHead()
    while let frame = takeFrame() { out += meddle(frame) }
    return out
  }

  private func handshake() -> Bool? { rest.count < 12 ? nil : rest.starts(with: "HTTP/1.1 101".utf8) }

  private mutating func takeHead() -> [UInt8] {
    guard rest.first == UInt8(ascii: "H"), let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { return [] }
    defer { rest.removeFirst(end.upperBound) }
    return Array(rest[..<end.upperBound])
  }

  /// Messages are short, so that a number never straddles two pieces often enough to matter.
  private mutating func takePage() -> [UInt8] {
    defer { rest = [] }
    guard fault == .wrongPage, let place = rest.firstRange(of: Array(#""seq":17,"#.utf8)) else { return rest }
    rest[place.upperBound - 2] = UInt8(ascii: "8")
    return rest
  }

  private mutating func takeFrame() -> [UInt8]? {
    guard rest.count >= 4, rest[0] & 0x80 != 0 else { return nil }
    let short = Int(rest[1])
    let end = short < 126 ? 2 + short : 4 + Int(rest[2]) << 8 + Int(rest[3])
    guard rest.count >= end else { return nil }
    defer { rest.removeFirst(end) }
    return Array(rest[..<end])
  }

  private mutating func meddle(_ frame: [UInt8]) -> [UInt8] {
    let payload = frame.drop { $0 != UInt8(ascii: "{") }
    let type = fault == .doublesAck ? #"{"type":"ack""# : #"{"type":"message""#
    guard fault != .wrongPage, payload.starts(with: type.utf8) else { return frame }
    count += 1
    defer { if count != Self.victim { held = [] } }
    guard count == Self.victim else { return frame + held }
    switch fault {
    case .losesMessage, .wrongPage: return []
    case .doublesMessage, .doublesAck: return frame + frame
    case .swapsMessages:
      held = frame
      return []
    }
  }
}
