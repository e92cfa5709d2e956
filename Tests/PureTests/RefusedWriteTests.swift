import Capabilities
import Plan
import Testing

@Suite("A plan after the kernel has refused to change nginx's file")
struct RefusedWriteTests {
  private let bind = CapabilitySet(.netBindService)

  private func plan(
    _ variables: [String: String] = [:], nginx: ProgramFile = Situation.nginx,
    credentials: Credentials = Situation.root()
  ) throws -> Plan {
    var host = Situation.host(credentials, proxy: .found(nginx))
    host.refusedWrite = RefusedWrite(
      what: "it cannot be written", why: "the file system is full", wayOut: "make room")
    return try Situation.plan(
      variables.merging(["KONG_PROXY_LISTEN": "0.0.0.0:80"]) { $1 }, on: host)
  }

  @Test("grants ambient capabilities")
  func ambient() throws {
    let plan = try plan()
    #expect(plan.failure == nil && plan.warnings.isEmpty)
    #expect(plan.grant == .ambient(bind) && plan.result?.permitted == bind)
  }

  @Test("is an error in mode file, with the kernel's reason and each way out")
  func fileMode() throws {
    let failure = try #require(try plan(["ENTRYPOINT_CAP_MODE": "file"]).failure)
    #expect(failure.status == 77)
    #expect(failure.explanation?.why.hasSuffix("the file system is full") == true)
    let ways = failure.explanation?.waysOut ?? []
    #expect(ways.contains("leave out ENTRYPOINT_CAP_MODE=file") && ways.contains("make room"))
  }

  @Test("continues with what the file carries if that is enough, and otherwise ends")
  func carried() throws {
    var nginx = Situation.nginx
    nginx.capabilities = FileCapabilities(permitted: bind, effective: true)
    let kept = try plan(nginx: nginx)
    #expect(kept.failure == nil && kept.grant == .file(bind, path: nginx.path))
    #expect(kept.prepareGrant?.grant == .file(bind, path: nginx.path))
    nginx.capabilities = FileCapabilities(
      permitted: Situation.set("net_bind_service", "net_raw"), effective: true)
    #expect(try plan(nginx: nginx).failure?.status == 77)
  }

  @Test("never contains another change of a file, whatever the situation")
  func noSecondAttempt() throws {
    var random = SeededGenerator(state: 12)
    for _ in rounds(2_000) {
      var nginx = Situation.nginx
      if Bool.random(using: &random) {
        nginx.capabilities = FileCapabilities(
          permitted: CapabilitySet(rawValue: random.next() & 0x2c00),
          effective: Bool.random(using: &random))
      }
      let mode = ["auto", "file", "ambient"].randomElement(using: &random) ?? ""
      let all = CapabilitySet(
        rawValue: Situation.dockerDefault.rawValue & (random.next() | random.next()))
      let plan = try plan(
        ["ENTRYPOINT_CAP_MODE": mode], nginx: nginx, credentials: Situation.root(all))
      #expect(!(plan.prepare + plan.launch).contains { $0.name.hasSuffix("-file-capabilities") })
    }
  }
}
