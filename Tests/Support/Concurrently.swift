import Drivers
import Foundation

/// Runs a body on so many threads at once and returns what they return, in order.
/// - Throws: the first error of any of them, when all have ended.
public func concurrently<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = ResultList<Value>()
  let threads = (0..<count).map { index in
    WorkerThread(name: "test-\(index)") { results.add(index, Result { try body(index) }) }
  }
  for thread in threads { thread.join() }
  return try results.inOrder()
}

private final class ResultList<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var results: [Int: Result<Value, any Error>] = [:]

  func add(_ index: Int, _ result: Result<Value, any Error>) { lock.withLock { results[index] = result } }

  func inOrder() throws -> [Value] {
    try lock.withLock { try results.sorted { $0.key < $1.key }.map { try $0.value.get() } }
  }
}
