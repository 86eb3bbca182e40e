/// Exponential backoff with full jitter: anything between nothing and a bound that doubles with each failure, so that
/// many who failed together do not come back together.
struct Backoff: Sendable {
  static let first: Duration = .milliseconds(50)
  static let longest: Duration = .seconds(10)

  private var failures = 0

  /// How long to wait after one more failure.
  mutating func next(random: (ClosedRange<Double>) -> Double = { .random(in: $0) }) -> Duration {
    let bound = min(Self.longest, Self.first * (1 << min(failures, 10)))
    failures += 1
    return bound * random(0...1)
  }

  mutating func reset() { failures = 0 }
}

extension Backoff {
  /// Repeats what fails for now until it works.
  ///
  /// - Throws: `CancellationError`, and the errors that are final.
  static func untilItWorks<Result: Sendable>(
    isFinal: (any Error) -> Bool = { _ in false }, failed: (any Error) -> Void, _ body: () async throws -> Result
  ) async throws -> Result {
    var backoff = Backoff()
    while true {
      try Task.checkCancellation()
      do {
        return try await body()
      } catch {
        guard !isFinal(error) else { throw error }
        failed(error)
      }
      try await Task.sleep(for: backoff.next())
    }
  }
}
