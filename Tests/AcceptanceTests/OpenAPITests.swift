import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// `docs/openapi.yaml` and the server say the same.
  @Suite struct OpenAPITests {
    struct Operation: Hashable, Sendable {
      var method: String
      var path: String
      var statuses: Set<Int>
    }

    /// The operations of the document, from its indentation: `paths:`, a path, a method, `responses:`, a status. All the
    /// YAML that this needs.
    static func operations(in text: String) -> [Operation] {
      var operations: [Operation] = []
      var isInPaths = false
      var path = ""
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        let indent = line.prefix { $0 == " " }.count
        let key =
          line.trimmingCharacters(in: .whitespaces).split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        guard !key.isEmpty, !key.hasPrefix("#") else { continue }
        switch indent {
        case 0: isInPaths = key == "paths"
        case 2 where isInPaths: path = key
        case 4 where isInPaths && ["get", "post", "put", "patch", "delete"].contains(key):
          operations.append(Operation(method: key.uppercased(), path: path, statuses: []))
        case 8 where isInPaths:
          let name = key.trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
          if let status = Int(name), !operations.isEmpty { operations[operations.count - 1].statuses.insert(status) }
        default: break
        }
      }
      return operations
    }

    private static func documented() throws -> [Operation] {
      let file = Corpus.project.appendingPathComponent("docs/openapi.yaml")
      return operations(in: try String(contentsOf: file, encoding: .utf8))
    }

    @Test(arguments: Profile.available)
    func everyDocumentedCallAnswersAsDocumented(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let operations = try Self.documented()
      #expect(operations.count >= 25)
      for operation in operations where operation.path != "/v1/users" || operation.method != "DELETE" {
        let user = try chat.freshUser()
        let room = try found(try chat.http.post("/v1/chatrooms?user=\(user)")["id"]?.integer, "a room")
        try chat.send("text", to: room, as: user)
        let target = operation.path.replacing("{id}", with: "\(room)").replacing("{seq}", with: "1")
          .replacing("{name}", with: user).replacing("{user}", with: user)
        let replies = [
          try chat.http.request(operation.method, "\(target)?user=\(user)", body: Self.body(operation)),
          try chat.http.request(operation.method, "\(target)?user=\(user)", body: Array("nonsense".utf8)),
          try chat.http.request(
            operation.method,
            operation.path.replacing("{id}", with: "x").replacing("{seq}", with: "x")
              .replacing("{name}", with: "nobody").replacing("{user}", with: "nobody")),
        ]
        for reply in replies {
          #expect(operation.statuses.contains(reply.status), "\(operation.method) \(operation.path): \(reply)")
        }
        let isSocket = operation.path.hasSuffix("/join") || operation.path.hasSuffix("/connect")
        if !isSocket {
          #expect((200..<300).contains(replies[0].status), "\(operation.method) \(target): \(replies[0])")
        }
      }
    }

    private static func body(_ operation: Operation) -> [UInt8]? {
      switch (operation.method, operation.path) {
      case ("POST", "/v1/chatrooms/{id}/messages"), ("PATCH", "/v1/chatrooms/{id}/messages/{seq}"):
        Array(#"{"text":"another"}"#.utf8)
      case ("POST", "/v1/users"), ("POST", "/v1/chatrooms/users"):
        Array(#"{"name":"\#(ChatClient.freshName())"}"#.utf8)
      case ("PATCH", _): Array(#"{"topic":"t","display_name":"d"}"#.utf8)
      case ("PUT", "/v1/chatrooms/{id}/read"): Array(#"{"seq":1}"#.utf8)
      default: nil
      }
    }

    private static func fits(_ path: String, _ pattern: String) -> Bool {
      let (parts, expected) = (path.split(separator: "/"), pattern.split(separator: "/"))
      return parts.count == expected.count && zip(parts, expected).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
    }

    /// A documented path answers an undocumented method with 405 and an `Allow` of exactly the documented ones; a path
    /// may fit two patterns, as `/v1/chatrooms/users` does.
    @Test(arguments: Profile.available)
    func everyMethodOfTheServerIsDocumented(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let documented = try Self.documented()
      for path in Set(documented.map(\.path)) {
        let operations = documented.filter { Self.fits(path, $0.path) }
        let target = path.replacing("{id}", with: "1").replacing("{seq}", with: "1")
          .replacing("{name}", with: "a").replacing("{user}", with: "a")
        let reply = try chat.http.request("TRACE", target)
        #expect(reply.status == 405, "\(path): \(reply)")
        let allowed = reply.header("Allow")?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
        let methods = Set(allowed).subtracting(["HEAD", "OPTIONS"])
        #expect(methods == Set(operations.map(\.method)), "\(path)")
      }
    }
  }
}
