import Capabilities
import Plan
import Report
import Text
import Testing

@Suite("USER[:GROUP]")
struct UserLookupTests {
  private func target(_ request: String) throws -> TargetUser {
    try Situation.accounts.target(
      request, origin: .option("--user"),
      current: Credentials(
        user: ProcessIDs(7), group: ProcessIDs(9), effective: CapabilitySet(.setgid)))
  }

  @Test(
    "accepts all forms of su-exec and gosu",
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
    "keeps the groups that the engine added to root's own, except those that an account file gives root",
    arguments: [
      ("kong", [0, 33, 2000, 3000], [2000, 3000]), ("web", [33, 2000, 3000], [2000, 3000]),
      ("4242", [9, 2000, 3000], [2000, 3000]), ("root", [0, 5, 2000, 3000], [2000, 3000]),
      ("kong:web", [33], []), (":2000", [2000], []),
    ] as [(String, [UInt32], [UInt32])])
  func engineGroups(request: String, groups: [UInt32], kept: [UInt32]) throws {
    var accounts = Situation.accounts
    accounts.groups.append(AccountGroup(name: "tape", gid: 5, members: ["root"]))
    let process = Credentials(
      user: ProcessIDs(0), group: ProcessIDs(9), groups: [0, 5, 2000, 3000])
    let find = { (keepsGroups: Bool) in
      try accounts.target(
        request, origin: .option("--user"), current: process, keepsGroups: keepsGroups)
    }
    #expect(try find(true).groups == groups && find(true).engineGroups == kept)
    #expect(try find(false).groups == groups.filter { !kept.contains($0) })
    #expect(try find(false).engineGroups.isEmpty)
  }

  @Test("lets an unchanged user keep its groups, which needs no cap_setgid")
  func sameUser() throws {
    var host = Situation.host(Situation.user())
    host.credentials.groups = [0, 33, 2000]
    var options = Options()
    options.user = "kong"
    let plan = try Situation.plan(
      [:], on: host, command: ["kong", "health"], options: options)
    #expect(plan.failure == nil && plan.result?.groups == [0, 33, 2000])
  }

  @Test(
    "shows in the plan which groups are the engine's, and drops them with ENTRYPOINT_KEEP_GROUPS=off",
    arguments: [
      ([:], "groups 0,33,2000 (2000 from the container engine)\n"),
      (["ENTRYPOINT_KEEP_GROUPS": "off"], "groups 0,33\n"),
    ] as [([String: String], String)])
  func shown(variables: [String: String], groups: String) throws {
    var host = Situation.host(Situation.root())
    host.credentials.groups = [0, 2000]
    let plan = try Situation.plan(variables, on: host)
    let text = PlanText(plan, snapshot: host, isColored: false).render()
    #expect(text.contains("kong (1337:0), " + groups), "\(text)")
  }

  @Test(
    "ends with 78, the name and the file if there is no such user or group",
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

  @Test(
    "mentions numbers only if a number was written, and says if there is no file to search")
  func reasons() {
    let why = { (accounts: Accounts, request: String) -> String? in
      do throws(StartFailure) {
        _ = try accounts.target(
          request, origin: .option("--user"),
          current: Credentials(user: ProcessIDs(7), group: ProcessIDs(9)))
        return nil
      } catch {
        return error.explanation?.why
      }
    }
    #expect(why(Situation.accounts, "kog") == "/etc/passwd has no readable line for \"kog\"")
    #expect(why(Situation.accounts, "-1")?.contains("not a number from 0 to 4294967294") == true)
    #expect(why(Accounts(), "kong") == "/etc/passwd does not exist, or has no readable line")
  }

  @Test(
    "keeps the groups of a process that is that user, or has the same ones except its own group")
  func groupsThatServe() throws {
    let groups = { (current: Credentials) in
      try Situation.accounts.target("kong", origin: .option("--user"), current: current).groups
    }
    var exec = Situation.root(Situation.set("setuid"))
    exec.groups = [33]
    #expect(try groups(exec) == [33], "only 0, which the gid is, is not listed")
    exec.groups = []
    #expect(try groups(exec) == [0, 33])
    var kong = Situation.user()
    kong.groups = []
    #expect(try groups(kong) == [], "without cap_setgid")
    let command = Situation.host(kong)
    let plan = try Situation.plan(
      ["ENTRYPOINT_USER": "kong"], on: command, command: ["kong", "health"])
    #expect(plan.failure == nil && plan.launch.map(\.name) == ["exec"])
  }

  @Test("works for root only by number if others could have written the account files")
  func distrusted() throws {
    let passwd = PathEntry(path: "/etc/passwd", kind: .other, uid: 0, gid: 0, mode: 0o664)
    var host = Situation.host(Situation.root())
    host.accounts = Accounts(file: "/etc/passwd", writableBy: passwd)
    let failure = try #require(try Situation.plan(on: host).failure)
    #expect(failure.status == 78)
    #expect(failure.explanation?.what.hasSuffix("could write /etc/passwd") == true)
    #expect(failure.explanation?.why.contains("mode 0664") == true)
    let named = try Situation.plan(["ENTRYPOINT_USER": "1337"], on: host)
    #expect(named.failure == failure, "which group it has would come from the file")
    let numbers = try Situation.plan(["ENTRYPOINT_USER": "1337:0"], on: host)
    #expect(numbers.failure == nil && numbers.result?.groups == [0])
    #expect(try Situation.plan(on: host, command: ["id"]).failure == nil)
  }

  @Test("ends with 78 for a user kong that is root, unless that user is named")
  func kongIsRoot() throws {
    var host = Situation.host(Situation.root())
    host.accounts = Accounts(users: [Account(name: "kong", uid: 0, gid: 0, home: "/")])
    for command in [["kong", "docker-start"], ["kong", "version"]] as [[ByteString]] {
      let plan = try Situation.plan(on: host, command: command)
      #expect(plan.failure?.status == 78)
      #expect(plan.failure?.explanation?.what.hasPrefix("the user kong is root") == true)
    }
    let asked = try Situation.plan(["ENTRYPOINT_USER": "kong"], on: host)
    #expect(asked.failure == nil)
    #expect(asked.warnings.first?.why.hasPrefix("ENTRYPOINT_USER kong asks for it") == true)
  }

  @Test("needs the files only for a start that changes the user")
  func unreadable() throws {
    let failure = StartFailure(status: 77, what: "w", why: "y", waysOut: [])
    var host = Situation.host(Situation.user())
    host.accounts = Accounts()
    host.accounts.failure = failure
    #expect(try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host).failure == nil)
    #expect(try Situation.plan(["ENTRYPOINT_USER": "33:33"], on: host).failure == failure)
    host.credentials = Situation.root()
    #expect(try Situation.plan(on: host).failure == failure)
    #expect(try Situation.plan(on: host, command: ["id"]).failure == nil)
  }
}
