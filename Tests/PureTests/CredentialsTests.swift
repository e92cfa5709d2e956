import Capabilities
import Text
import Testing

@Suite("A process with root's id beside another")
struct CredentialsTests {
  @Test(
    "ends with 77, whatever it starts",
    arguments: [["kong", "docker-start"], ["kong", "health"], ["id"]] as [[ByteString]])
  func halfRoot(command: [ByteString]) throws {
    let mixed: [(real: UInt32, effective: UInt32, saved: UInt32)] = [
      (0, 1337, 1337), (1337, 0, 0), (1337, 1337, 0), (0, 0, 1337), (0, 1337, 0),
    ]
    for (real, effective, saved) in mixed {
      let ids = ProcessIDs(real: real, effective: effective, saved: saved)
      for isUser in [true, false] {
        var host = Situation.host(Situation.root())
        host.credentials.user = isUser ? ids : ProcessIDs(1337)
        host.credentials.group = isUser ? ProcessIDs(33) : ids
        let what =
          "this process is partly root: its \(isUser ? "uid" : "gid") (real/effective/saved) is"
          + " \(real)/\(effective)/\(saved)"
        for user in ["", "kong", "0:0"] {
          let plan = try Situation.plan(["ENTRYPOINT_USER": user], on: host, command: command)
          #expect(plan.failure?.status == 77)
          #expect(plan.failure?.explanation?.what == what)
        }
      }
    }
  }

  @Test("differs from one with two users of whom none is root")
  func twoUsers() throws {
    var host = Situation.host(Situation.user())
    host.credentials.user = ProcessIDs(real: 33, effective: 1337, saved: 33)
    #expect(try Situation.plan(on: host, command: ["id"]).failure == nil)
  }
}
