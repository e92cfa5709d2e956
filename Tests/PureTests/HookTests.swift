@testable import Capabilities
@testable import Plan
@testable import Text
import Foundation
import Testing

@Suite("Hooks")
struct HookTests {
  private let kong = TargetUser(
    name: "kong", uid: 1337, gid: 0, groups: [0, 33], home: "/home/kong")

  private func owned(
    _ path: ByteString, _ kind: PathEntry.Kind = .other, uid: UInt32 = 0, gid: UInt32 = 0,
    mode: UInt32 = 0o755, isReadOnly: Bool = false
  ) -> PathEntry {
    PathEntry(path: path, kind: kind, uid: uid, gid: gid, mode: mode, isReadOnly: isReadOnly)
  }

  private func directory(
    _ files: [(String, UInt32)], uid: UInt32 = 0, gid: UInt32 = 0, mode: UInt32 = 0o755,
    isReadOnly: Bool = false
  ) -> HookDirectory {
    let above = [
      owned("/", .directory),
      owned(
        "/docker-entrypoint.d", .directory, uid: uid, gid: gid, mode: mode, isReadOnly: isReadOnly),
    ]
    return HookDirectory(
      resolvedEntries: above,
      files: files.map { name, mode in
        HookFile(
          name: ByteString(name),
          resolvedEntries: above + [owned(HookDirectory.path + "/" + ByteString(name), mode: mode)])
      })
  }

  private func host(_ hooks: HookDirectory, _ credentials: Credentials = Situation.root())
    -> HostSnapshot
  {
    var host = Situation.host(credentials)
    host.hooks = hooks
    return host
  }

  @Test("Hooks run as the dropped user, in the order of sort -V, before kong prepare")
  func order() throws {
    let hooks = directory([("10-b.sh", 0o755), ("9-a.sh", 0o755), ("9-a", 0o755)])
    let plan = try Situation.plan(on: host(hooks))
    #expect(plan.failure == nil)
    let children = plan.prepare.compactMap { step -> [Step]? in
      if case .run(let steps, _) = step { steps } else { nil }
    }
    #expect(
      children.map { $0.execution?.arguments.first } == [
        "/docker-entrypoint.d/9-a", "/docker-entrypoint.d/9-a.sh", "/docker-entrypoint.d/10-b.sh",
        "kong",
      ])
    for child in children.dropLast() {
      let state = child.credentials(from: Situation.root())
      #expect(state.user == ProcessIDs(1337))
      #expect(state.permitted.isEmpty && state.bounding.isEmpty && state.noNewPrivileges)
    }
  }

  @Test("A file that nobody may execute is reported and skipped")
  func notExecutable() throws {
    let plan = try Situation.plan(on: host(directory([("a.sh", 0o644), ("b.sh", 0o755)])))
    #expect(plan.warnings.map(\.what).contains("/docker-entrypoint.d/a.sh is not run"))
    #expect(plan.prepare.map(\.name) == ["give-prefix", "run", "run"])
  }

  @Test("A hook that the user cannot execute ends the start like its exec would")
  func refused() throws {
    var hooks = directory([("a.sh", 0o700)])
    hooks.files[0].refusal = "uid 1337 cannot execute it"
    let plan = try Situation.plan(on: host(hooks))
    #expect(plan.failure?.status == 126)
    #expect(plan.failure?.explanation?.what == "cannot execute /docker-entrypoint.d/a.sh")
    #expect(plan.failure?.explanation?.why == "uid 1337 cannot execute it")
    #expect(plan.failure?.explanation?.waysOut.last == "run no hooks: ENTRYPOINT_HOOKS=off")
  }

  @Test("One message says that .envsh is not supported, with all names")
  func environmentScript() throws {
    let plan = try Situation.plan(on: host(directory([("a.envsh", 0o755), ("b.envsh", 0o644)])))
    let warnings = plan.warnings.map(\.what).filter {
      $0.contains(".envsh files are not supported")
    }
    #expect(warnings.count == 1)
    #expect(warnings[0].hasPrefix("/docker-entrypoint.d/a.envsh, /docker-entrypoint.d/b.envsh: "))
    #expect(plan.prepare.map(\.name) == ["give-prefix", "run"])
  }

  @Test("A hook that the user could write ends with 78, wherever on the path that is possible")
  func writable() throws {
    let cases: [(HookDirectory, PathEntry)] = [
      (directory([("a", 0o755)], uid: 1337), owned("/docker-entrypoint.d")),
      (directory([("a", 0o755)], gid: 0, mode: 0o775), owned("/docker-entrypoint.d")),
      (directory([("a", 0o755)], gid: 33, mode: 0o775), owned("/docker-entrypoint.d")),
      (directory([("a", 0o755)], gid: 44, mode: 0o757), owned("/docker-entrypoint.d")),
      (directory([("a", 0o757)]), owned("/docker-entrypoint.d/a")),
      (directory([("a", 0o775)]), owned("/docker-entrypoint.d/a")),
    ]
    for (hooks, component) in cases {
      let plan = try Situation.plan(on: host(hooks))
      #expect(plan.failure?.status == 78)
      let kind = component.path == HookDirectory.path ? "the hooks in" : "the hook"
      #expect(
        plan.failure?.explanation?.what
          == "\(kind) \(component.path) cannot be trusted: kong (1337:0) could write \(component.path)"
      )
      #expect(plan.prepare.isEmpty && plan.launch.isEmpty)
    }
  }

  @Test("A ConfigMap's directory has mode 0777, but its mount is read-only")
  func readOnlyMount() throws {
    let hooks = directory([("a", 0o755)], mode: 0o777, isReadOnly: true)
    #expect(try Situation.plan(on: host(hooks)).failure == nil)
  }

  @Test("A group that the user is not in may have write permission")
  func otherGroup() throws {
    let hooks = directory([("a", 0o755)], gid: 44, mode: 0o775)
    #expect(try Situation.plan(on: host(hooks)).failure == nil)
  }

  @Test("In a sticky directory a hook of another user cannot be replaced")
  func sticky() {
    let tmp = owned("/tmp", .directory, mode: 0o1777)
    let path = [tmp, owned("/tmp/hooks", .directory), owned("/tmp/hooks/a")]
    #expect(path.firstWritable(by: kong) == nil)
    let planted = [tmp, owned("/tmp/hooks", .directory, uid: 1337)]
    #expect(planted.firstWritable(by: kong)?.path == "/tmp")
    let ownedSticky = [owned("/x", .directory, uid: 1337, mode: 0o1755), owned("/x/a")]
    #expect(ownedSticky.firstWritable(by: kong)?.path == "/x")
  }

  @Test("If hooks run as root, nobody else may be able to write them")
  func root() {
    #expect([owned("/a", uid: 5)].firstWritable(by: nil) != nil)
    #expect([owned("/a", mode: 0o775)].firstWritable(by: nil) != nil)
    #expect([owned("/a", mode: 0o755)].firstWritable(by: nil) == nil)
    let sticky = owned("/tmp", .directory, mode: 0o1777)
    #expect([sticky, owned("/tmp/a", mode: 0o755)].firstWritable(by: nil) == nil)
    let others = owned("/x", .directory, uid: 5, mode: 0o1777)
    #expect([others, owned("/x/a")].firstWritable(by: nil)?.path == "/x")
  }

  @Test("A link in a directory of the user's counts, wherever it leads")
  func links() throws {
    var hooks = directory([("a", 0o755)])
    let mine = owned("/opt/mine", .directory, uid: 1337)
    hooks.files[0].resolvedEntries.insert(
      contentsOf: [
        owned("/docker-entrypoint.d/a", .link, mode: 0o777), owned("/"), mine,
        owned("/opt/mine/l", .link, uid: 1337, mode: 0o777), owned("/"),
      ], at: 2)
    let failure = try Situation.plan(on: host(hooks)).failure
    #expect(failure?.explanation?.what.hasSuffix("could write /opt/mine") == true)
  }

  @Test("A directory that cannot be listed ends the start")
  func unreadable() throws {
    let plan = try Situation.plan(on: host(HookDirectory(unreadable: "Permission denied")))
    #expect(plan.failure?.status == 78)
    #expect(plan.failure?.explanation?.why == "Permission denied")
  }

  @Test("Names are in the order of sort -V")
  func sortOracle() throws {
    var generator = SeededGenerator(state: 7)
    let alphabet = Array("0019az~.-_A/ +".utf8).filter { $0 != UInt8(ascii: "/") }
    var names: Set<[UInt8]> = []
    while names.count < 4000 {
      let length = Int.random(in: 1...9, using: &generator)
      let name = (0..<length).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      // Releases of coreutils differ in the suffix of a hidden name.
      if name.first != UInt8(ascii: ".") { names.insert(name) }
    }
    let shuffled = names.sorted { $0.lexicographicallyPrecedes($1) }.shuffled(using: &generator)
    let sorted = shuffled.map { ByteString($0) }.sorted(by: ByteString.versionOrder)
    let expected = try sort(shuffled.map { String(decoding: $0, as: UTF8.self) })
    #expect(sorted.count == expected.count)
    let difference = zip(sorted, expected).first { $0.0.description != $0.1 }
    #expect(difference == nil)
  }

  /// The output of coreutils' `sort -V` for the lines.
  private func sort(_ lines: [String]) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sort")
    process.arguments = ["-V"]
    process.environment = ["LC_ALL": "C"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let text = lines.joined(separator: "\n") + "\n"
    // Small enough for the pipe, so that neither side waits for the other.
    #expect(text.utf8.count < 65536)
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    let sorted = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return sorted.split(separator: "\n").map(String.init)
  }
}
