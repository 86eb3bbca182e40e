import Glibc

/// How many files, and so sockets, this process may open.
enum OpenFiles {
  /// Raises the soft limit where that is needed.
  ///
  /// - Throws: `BenchError` where the hard limit is lower.
  static func allow(_ count: Int) throws(BenchError) {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    guard limit.rlim_cur < count else { return }
    guard limit.rlim_max >= count else {
      throw BenchError("this process may open \(limit.rlim_max) files, and needs \(count): see ulimit -n")
    }
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
