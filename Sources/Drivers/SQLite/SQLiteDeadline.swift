import CSQLite

/// Ends a connection's statements when a time has come, by SQLite's progress handler.
final class SQLiteDeadline {
  private let instant: ContinuousClock.Instant
  /// Virtual machine instructions between two looks at the clock: some tens of microseconds.
  private static let interval: Int32 = 4_096

  init(_ instant: ContinuousClock.Instant) { self.instant = instant }

  /// The caller keeps this object until it has called `remove`.
  func install(on database: OpaquePointer) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe sqlite3_progress_handler(
      database, Self.interval,
      { context in
        guard let context = unsafe context else { return 0 }
        let deadline = unsafe Unmanaged<SQLiteDeadline>.fromOpaque(context).takeUnretainedValue()
        return ContinuousClock.now >= deadline.instant ? 1 : 0
      }, context)
  }

  static func remove(from database: OpaquePointer) { unsafe sqlite3_progress_handler(database, 0, nil, nil) }
}
