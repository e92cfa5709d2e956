@testable import Capabilities
@testable import Kong
@testable import Nginx
@testable import Plan
@testable import Text
import Testing

@Suite("What programs inherit")
struct InheritancePlanTests {
  @Test(
    "through NGINX are the sockets that nginx accepts there: numbers from 3 on, up to the first invalid one",
    arguments: [
      ("6;7;", [6, 7]), ("6:7;", [6, 7]), ("6;7", [6]), ("6;6;", [6]), ("1;2;3;", [3]), ("", []),
      ("6; 7;", [6]), ("6;x;7;", [6]), (";6;", []), ("-6;", []), ("+6;", []),
      ("2147483647;", [2_147_483_647]), ("2147483648;9;", []), ("6;;7;", [6]),
    ] as [(ByteString, [DescriptorNumber])])
  func sockets(value: ByteString, descriptors: [DescriptorNumber]) {
    #expect(InheritedSockets.descriptors(value) == descriptors)
  }

  @Test("through NGINX are at most 1024 sockets")
  func manySockets() {
    let value = (3..<9000).map { "\($0);" }.joined()
    #expect(InheritedSockets.descriptors(ByteString(value)).count == 1024)
  }

  @Test(
    "from kong docker-start is what NGINX names, for nginx; any other command inherits everything")
  func descriptors() throws {
    var host = Situation.host(Situation.root())
    host.hooks = HookDirectory(files: [
      HookFile(
        name: "1",
        resolvedEntries: [
          PathEntry(path: "/docker-entrypoint.d/1", kind: .other, uid: 0, gid: 0, mode: 0o755)
        ])
    ])
    let plan = try Situation.plan(["NGINX": "6;7;"], on: host)
    #expect(plan.launch.dropLast().last == .closeDescriptors(keeping: [6, 7]))
    for case .run(let child, _) in plan.prepare {
      #expect(child.contains(.closeDescriptors(keeping: [])))
      #expect(child.contains(.endWithParent))
      let removed = EnvironmentChange(name: "NGINX", value: .removed)
      #expect(child.execution?.environment.contains(removed) == true)
    }
    #expect(plan.launch.execution?.environment.contains { $0.name == "NGINX" } == false)
    var options = Options()
    options.user = "kong"
    let other = try Situation.plan(on: host, command: ["true"], options: options)
    #expect(!other.launch.map(\.name).contains("close-descriptors"))
  }

  @Test("is no process of kong prepare: these are killed after a drop, those of a hook are not")
  func orphans() throws {
    let ends = { (who: Credentials, user: String?) in
      var options = Options()
      options.user = user
      let plan = try Situation.plan([:], on: Situation.host(who), options: options)
      guard case .run(_, let endsOrphans)? = plan.prepare.last else { return false }
      return endsOrphans
    }
    #expect(try ends(Situation.root(), nil))
    #expect(try !ends(Situation.root(), "root"))
    #expect(try !ends(Situation.user(), nil))
  }
}
