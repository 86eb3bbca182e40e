/// Lets any number of callers share flushes: whoever comes while one is under way waits for the next, together with all
/// who came meanwhile. So a storm costs two.
actor FlushGroup {
  /// Resumed with true: to carry out the next flush; with false: it was carried out.
  private var waiting: [CheckedContinuation<Bool, any Error>] = []
  private var isUnderWay = false

  /// Returns once a flush that began after this call has ended.
  func join(_ flush: @Sendable () async throws -> Void) async throws {
    if isUnderWay {
      guard try await withCheckedThrowingContinuation({ waiting.append($0) }) else { return }
    }
    isUnderWay = true
    let followers = waiting
    waiting = []
    do {
      try await flush()
      for follower in followers { follower.resume(returning: false) }
      handOver()
    } catch {
      for follower in followers { follower.resume(throwing: error) }
      handOver()
      throw error
    }
  }

  private func handOver() {
    if waiting.isEmpty { isUnderWay = false } else { waiting.removeFirst().resume(returning: true) }
  }
}
