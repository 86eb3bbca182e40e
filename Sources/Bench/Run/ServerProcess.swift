import Foundation

/// A server's process on this machine, as `/proc` shows it.
struct ServerProcess {
  var id: Int32

  /// Bytes of memory of its own (proportional set size); `nil` where it cannot be read.
  var memory: Int64? {
    guard let text = try? String(contentsOfFile: "/proc/\(id)/smaps_rollup", encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 * 1_024 }
  }

  /// Seconds of processor time that it has used; `nil` where it cannot be read.
  var processorTime: Double? {
    guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return nil }
    // The fields behind the name begin with the third of proc(5); utime and stime are the 14th and 15th.
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
