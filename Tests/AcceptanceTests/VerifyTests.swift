import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// The command, as a script uses it.
  @Suite(.serialized) struct VerifyTests {
    private func verify(_ installation: Installation, _ flags: String...) throws -> (
      status: Int32, lines: [JSONValue], errors: String
    ) {
      let result = try PalaverProcess.run(["verify", "--json"] + flags, environment: installation.environment)
      return (result.status, try result.output.map { try JSONValue(parsing: Array($0.utf8)) }, result.errors)
    }

    @Test(arguments: Profile.available)
    func damageIsFoundAndRepaired(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      for number in 1...10 { try chat.send("number \(number)", to: room, as: user) }
      if profile == .embedded {
        let occupied = try verify(installation)
        #expect(occupied.status == 1 && occupied.errors.contains("in use"), "\(occupied)")
        installation.process().terminate()
      }
      let clean = try verify(installation)
      #expect(clean.status == 0 && clean.lines.count == 1, "\(clean)")
      #expect(clean.lines.last?["clean"]?.boolean == true && clean.lines.last?["messages"]?.integer == 10)

      let damage = "UPDATE room_positions SET last_seq = 8, last_event = 8 WHERE room_id = \(room)"
      if let stack = installation.stack {
        try stack.mariadb("USE \(stack.name); \(damage)")
      } else {
        let database = installation.folder.appendingPathComponent("palaver.db").path
        try SQLiteConnection(path: database).execute(damage, [])
      }
      let found = try verify(installation, "--room", "\(room)")
      #expect(found.status == 1 && found.lines.first?["kind"]?.string == "counters", "\(found)")
      #expect(found.lines.last?["clean"]?.boolean == false)
      let repaired = try verify(installation, "--repair")
      #expect(repaired.status == 0 && repaired.lines.first?["repaired"]?.boolean == true, "\(repaired)")
      #expect(try verify(installation).status == 0)
    }

    @Test(arguments: [["extra"], ["--room", "x"], ["--repar"]])
    func wrongUseIsExplained(arguments: [String]) throws {
      #expect(try PalaverProcess.run(["verify"] + arguments).status == 2)
    }
  }
}
