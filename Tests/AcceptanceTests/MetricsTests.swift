import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// What operators watch is what the handbook says there is.
  @Suite(.serialized) struct MetricsTests {
    /// From the tables of docs/operations.md: a name, and whether the embedded profile has it.
    private static func documented() throws -> [String: Bool] {
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      let text = try String(contentsOf: root.appendingPathComponent("docs/operations.md"), encoding: .utf8)
      var names: [String: Bool] = [:]
      for line in text.split(separator: "\n")
      where line.hasPrefix("| `palaver_") && line.split(separator: "|").count == 4 {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        let name = cells[0].split(whereSeparator: { "`{".contains($0) }).first.map(String.init) ?? ""
        names[name] = cells[2] != "stack"
      }
      return names
    }

    private func scraped(_ installation: Installation) throws -> (names: Set<String>, text: String) {
      let text = try installation.http().get("/metrics").text
      let help = text.split(separator: "\n").filter { $0.hasPrefix("# HELP ") }
      return (Set(help.map { String($0.split(separator: " ")[2]) }), text)
    }

    @Test(arguments: Profile.available)
    func everyMetricIsDocumentedAndEachDocumentedOneIsThere(profile: Profile) throws {
      let documented = try Self.documented()
      let expected = Set(documented.filter { profile == .stack || $0.value }.keys)
      let (names, text) = try scraped(try Servers.shared(profile))
      #expect(names.subtracting(documented.keys).sorted() == [], "not in docs/operations.md")
      #expect(expected.subtracting(names).sorted() == [], "in docs/operations.md only")
      #expect(names.subtracting(expected).sorted() == [], "said to be the stack's alone")
      for line in text.split(separator: "\n") where line.hasPrefix("# HELP ") {
        #expect(line.split(separator: " ").count > 4, "no help: \(line)")
      }
      // A series that stands twice is refused by Prometheus.
      let series = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ")[0] }
      #expect(Set(series).count == series.count)
    }
  }
}
