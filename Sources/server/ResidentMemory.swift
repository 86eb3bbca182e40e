import Foundation
import Glibc

/// How much memory this process has, as the kernel counts it.
enum ResidentMemory {
  /// Bytes in memory, files of programs included (`/proc/self/statm`, proc(5)); 0 where that cannot be read.
  static var bytes: Int {
    guard let file = FileHandle(forReadingAtPath: "/proc/self/statm"), let text = try? file.readToEnd() else {
      return 0
    }
    let pages = text.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap {
      String(bytes: $0, encoding: .utf8)
    }
    return (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
  }
}
