import EntrypointPlan
import Testing

@Suite("USER[:GROUP]")
struct UserLookupTests {
  private func target(_ request: String) throws -> TargetUser {
    try Situation.accounts.target(
      request, origin: "--user", current: Credentials(user: ProcessIDs(7), group: ProcessIDs(9)))
  }

  @Test(
    "has all forms of su-exec and gosu",
    arguments: [
      ("kong", 1337, 0, [0, 33], "/home/kong"), ("kong:", 1337, 0, [0, 33], "/home/kong"),
      ("1337", 1337, 0, [0, 33], "/home/kong"), ("kong:web", 1337, 33, [33], "/home/kong"),
      ("kong:55", 1337, 55, [55], "/home/kong"), (":web", 7, 33, [33], "/"),
      ("4242", 4242, 9, [9], "/"), ("4242:4343", 4242, 4343, [4343], "/"),
      ("0:4000", 0, 44, [44], "/root"), ("web", 33, 33, [33], "/"),
    ] as [(String, UInt32, UInt32, [UInt32], ByteString)])
  func forms(request: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: ByteString) throws {
    let target = try target(request)
    #expect(target.uid == uid)
    #expect(target.gid == gid)
    #expect(target.groups == groups)
    #expect(target.home == home)
  }

  @Test(
    "is exit 78 with the name and the file when there is no such user or group",
    arguments: [
      ("nobody-here", "\"nobody-here\""), ("kong:nope", "\"nope\""), ("", "\"\""), (":", "\":\""),
      ("-1", "\"-1\""), ("4294967295", "\"4294967295\""), ("99999999999", "\"99999999999\""),
      ("kong:4294967295", "\"4294967295\""),
    ])
  func unknown(request: String, name: String) throws {
    let failure = try #require(throws: StartFailure.self) { _ = try target(request) }
    #expect(failure.status == 78)
    #expect(failure.explanation?.what.contains("--user") == true)
    #expect(failure.explanation?.what.contains(name) == true)
    #expect(failure.explanation?.why.contains("/etc/") == true)
  }
}
