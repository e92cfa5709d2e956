@testable import Kong
@testable import Plan
@testable import Text
import Testing

@Suite("nginx's pid file")
struct PidFileTests {
  @Test(
    "contains the number of a process, or nothing that counts",
    arguments: [
      ("1\n", 1), ("4194304", 4_194_304), ("12 \n", 12), ("", nil), ("\n", nil), ("0\n", nil),
      ("-1\n", nil), ("1\n2\n", nil), ("one", nil), ("99999999999\n", nil), ("1\0", nil),
    ] as [(String, Int32?)])
  func process(contents: String, process: Int32?) {
    #expect(PidFile.process(Array(contents.utf8)) == process)
  }

  @Test(
    "counts as alive if its process is an nginx master of this very prefix",
    arguments: [
      ("nginx: master process /opt/nginx -p /usr/local/kong -c nginx.conf\0\0\0", true),
      ("nginx: master process nginx -c nginx.conf -p /usr/local/kong/\0", true),
      ("nginx: master process nginx -p /usr/local/kong", true),
      ("/usr/sbin/nginx\0-p\0/usr/local/kong\0-c\0nginx.conf\0", true),
      ("nginx: master process nginx -p /usr/local/kong2 -c nginx.conf\0", false),
      ("nginx: master process nginx -p /usr/local/kong/sub -c nginx.conf\0", false),
      ("nginx: master process nginx -c nginx.conf\0", false),
      ("nginx: worker process\0", false),
      ("kong\0prepare\0-p\0/usr/local/kong\0", false),
      ("entrypoint\0kong\0docker-start\0", false), ("", false), ("\0", false),
    ] as [(String, Bool)])
  func master(commandLine: String, isMaster: Bool) {
    #expect(PidFile.isMaster(Array(commandLine.utf8), of: "/usr/local/kong") == isMaster)
  }

  @Test("is checked by the first child, right before its exec: a hook, otherwise kong prepare")
  func firstChild() throws {
    let children = { (hooks: [HookFile]) in
      var host = Situation.host(Situation.root())
      host.hooks = HookDirectory(files: hooks)
      return try Situation.plan(on: host).prepare.compactMap { step -> [String]? in
        if case .run(let steps, _) = step { steps.suffix(2).map(\.name) } else { nil }
      }
    }
    let file = { (name: ByteString) in
      HookFile(
        name: name,
        resolvedEntries: [
          PathEntry(path: "/docker-entrypoint.d/" + name, kind: .other, uid: 0, gid: 0, mode: 0o755)
        ])
    }
    let (first, other) = (["remove-stale-pid", "exec"], ["close-descriptors", "exec"])
    #expect(try children([]) == [first])
    #expect(try children([file("1"), file("2")]) == [first, other, other])
  }
}
