import Drivers
import Foundation

/// What the edge counts.
final class EdgeMetrics: Sendable {
  let framesIn: Counter
  let framesOut: Counter
  let bytesIn: Counter
  let bytesOut: Counter
  let writes: Counter
  let overflows: Counter
  let httpConnections = LiveCount()
  let webSockets = LiveCount()
  private let replies: [Counter]
  private let closes: [CloseCode: Counter]
  let vanished: Counter
  let timedOut: Counter

  init(_ metrics: Metrics) {
    let frames = ("palaver_websocket_frames_total", "Frames from and to clients.")
    framesIn = metrics.counter(frames.0, frames.1, ["direction": "in"])
    framesOut = metrics.counter(frames.0, frames.1, ["direction": "out"])
    let bytes = ("palaver_websocket_bytes_total", "Bytes from and to WebSockets.")
    bytesIn = metrics.counter(bytes.0, bytes.1, ["direction": "in"])
    bytesOut = metrics.counter(bytes.0, bytes.1, ["direction": "out"])
    writes = metrics.counter("palaver_websocket_writes_total", "Calls of the kernel that wrote to WebSockets.")
    overflows = metrics.counter("palaver_websocket_overflows_total", "Clients cut off because they read too slowly.")
    replies = (1...5).map {
      metrics.counter("palaver_http_replies_total", "Replies by class of status.", ["class": "\($0)xx"])
    }
    let closed = ("palaver_websocket_closed_total", "WebSockets that ended, by reason.")
    closes = Dictionary(
      uniqueKeysWithValues: CloseCode.allCases.map { ($0, metrics.counter(closed.0, closed.1, ["reason": $0.word])) })
    vanished = metrics.counter(closed.0, closed.1, ["reason": "vanished"])
    timedOut = metrics.counter(closed.0, closed.1, ["reason": "timedOut"])
    metrics.gauge("palaver_http_connections", "Connections that speak HTTP.") { [httpConnections] in
      Double(httpConnections.value)
    }
    metrics.gauge("palaver_websockets", "Open WebSockets.") { [webSockets] in Double(webSockets.value) }
  }

  func replied(_ status: Int) {
    if (100..<600).contains(status) { replies[status / 100 - 1].add() }
  }

  func closed(_ code: CloseCode) { closes[code]?.add() }
}

/// How many of something there are now.
final class LiveCount: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  var value: Int { lock.withLock { count } }

  func add(_ difference: Int) { lock.withLock { count += difference } }

  /// Adds one unless there are `limit` already.
  func addOne(upTo limit: Int) -> Bool {
    lock.withLock {
      guard count < limit else { return false }
      count += 1
      return true
    }
  }
}
