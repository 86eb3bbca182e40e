import CLinux
import Dispatch
import Foundation

/// SIGTERM and SIGINT as something to wait for. The second one ends the process at once, and so does the first, with
/// status 0, as long as nothing is served: there is nothing to finish then.
final class StopSignals: @unchecked Sendable {
  private let queue = DispatchQueue(label: "signals")
  private var sources: [any DispatchSourceSignal] = []
  private let stream: AsyncStream<Void>
  private let sink: AsyncStream<Void>.Continuation
  // The queue's.
  private var count = 0
  private var isServing = false

  init() {
    (stream, sink) = AsyncStream.makeStream()
    // A client that went away must not end the server.
    signal(SIGPIPE, SIG_IGN)
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [self] in
        count += 1
        if count > 1 { exit(128 + number) }
        if !isServing { exit(0) }
        sink.yield()
      }
      source.resume()
      return source
    }
  }

  /// From now on the first signal is for `wait`.
  func beginService() { queue.sync { isServing = true } }

  /// Returns at the first signal.
  func wait() async {
    for await _ in stream { return }
  }

  /// Ends the process with status 0 when the time is over: what was accepted and not acknowledged is the clients' to
  /// send again.
  func endProcess(in time: Duration) {
    let (seconds, attoseconds) = time.components
    let nanoseconds = Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { exit(0) }
  }
}
