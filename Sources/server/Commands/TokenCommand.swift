import ChatRooms
import Foundation

extension Command {
  static let token = Command(
    name: "token", summary: "Make a token for a user.", synopsis: "token USER [--admin] [--expires TIME]",
    explanation: "Prints a JSON Web Token, signed with the first secret of PALAVER_JWT_SECRET, for trying things out "
      + "and for scripts.",
    options: [
      CommandOption("admin", help: "The token may do everything, and act for others."),
      CommandOption("expires", placeholder: "TIME", help: "How long it counts (1h)."),
    ],
    listedSettings: [.config, .jwtSecret],
    examples: [
      Example(line: "palaver token camelia --expires 7d", meaning: "a token for camelia that counts for a week"),
      Example(
        line: "curl -H \"Authorization: Bearer $(palaver token camelia)\" http://127.0.0.1:8081/v1/chatrooms",
        meaning: "a call with it"),
    ]
  ) { context in
    let name = try context.positionals(1...1, "the user's name")[0]
    let configuration = try context.configuration(for: .maintenance)
    guard let secret = configuration.jwtSecrets.first else {
      throw ConfigurationError("PALAVER_JWT_SECRET", got: "", expected: "the secret that servers check tokens with")
    }
    let span = context.arguments.flags["expires"] ?? "1h"
    guard let lifetime = TimeSpan.parse(span), lifetime >= 1_000 else {
      throw ConfigurationError("--expires", got: span, expected: "a time such as 15m, 1h or 7d")
    }
    let user: String
    do throws(ChatError) {
      user = try UserName.validated(name)
    } catch {
      throw ConfigurationError("USER", got: name, expected: "a user's name: \(error.message)")
    }
    context.print(
      try TokenSigner(secret: secret).token(
        for: user, isAdmin: context.arguments.isOn("admin"), lifetime: Int(lifetime / 1_000),
        now: Milliseconds(Date().timeIntervalSince1970 * 1_000)))
    return CommandLineProgram.Status.success
  }
}
