import Capabilities
import Plan
import Text
import Testing

@Suite("Variables that a secure execution ignores")
struct SecureExecutionTests {
  private let bind = CapabilitySet(.netBindService)

  private func plan(
    _ variables: [String: String], credentials: Credentials = Situation.root(),
    nginx: ProgramFile = Situation.nginx, command: [ByteString] = ["kong", "docker-start"]
  ) throws -> Plan {
    try Situation.plan(
      variables.merging(["KONG_PROXY_LISTEN": "0.0.0.0:80"]) { $1 },
      on: Situation.host(credentials, proxy: .found(nginx)), command: command)
  }

  @Test(
    "make auto grant ambient capabilities, which cause none",
    arguments: [
      "LD_PRELOAD", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "OPENSSL_CONF",
      "SSL_CERT_FILE", "TMPDIR",
    ])
  func ambient(name: String) throws {
    let plan = try plan([name: "/opt/x"])
    #expect(plan.failure == nil && plan.warnings.isEmpty)
    #expect(plan.grant == .ambient(bind) && !plan.secureExecution)
  }

  @Test(
    "do not include variables that always work, or empty ones",
    arguments: ["LD_BIND_NOW", "LUA_PATH", "TZ", "LANG", "LD_PRELOADS", "LD_", "SSL_CERT"])
  func others(name: String) throws {
    let plan = try plan([name: "x", "LD_PRELOAD": ""])
    #expect(plan.grant == .file(bind, path: Situation.nginx.path))
  }

  @Test("are reported by name in mode file; otherwise they work")
  func fileMode() throws {
    let variables = ["LD_PRELOAD": "/opt/secret.so", "OPENSSL_CONF": "/opt/o.cnf"]
    let plan = try plan(variables.merging(["ENTRYPOINT_CAP_MODE": "file"]) { $1 })
    #expect(plan.failure == nil && plan.secureExecution)
    try #require(plan.warnings.count == 1)
    let warning = plan.warnings[0]
    #expect(warning.what == "\(Situation.nginx.path) will ignore LD_PRELOAD, OPENSSL_CONF")
    #expect(warning.waysOut[0].hasPrefix("leave out ENTRYPOINT_CAP_MODE=file"))
    #expect(!"\(warning)".contains("secret"), "a value is nobody's business")
    #expect(try !self.plan(variables).secureExecution)
  }

  @Test("are reported once if the file carries capabilities that cannot be removed")
  func carried() throws {
    var nginx = Obstacle.readOnly.nginx
    nginx.capabilities = FileCapabilities(permitted: bind, effective: true)
    for credentials in [Situation.root(), Situation.user()] {
      let variables = ["LD_LIBRARY_PATH": "/opt"]
      let plan = try plan(variables, credentials: credentials, nginx: nginx)
      #expect(plan.failure == nil && plan.secureExecution)
      try #require(plan.prepareWarnings.count == 1 && plan.launchWarnings.isEmpty)
      let ways = plan.prepareWarnings[0].waysOut
      #expect(ways[0].hasPrefix("remove the capabilities in the image: setcap -r \(nginx.path)"))
      #expect(ways.contains { $0.contains("/etc/ld.so.conf.d") && $0.contains("ldconfig") })
      let reload = try self.plan(
        variables, credentials: credentials, nginx: nginx, command: ["kong", "reload"])
      #expect(reload.warnings.count == 1)
    }
  }
}
