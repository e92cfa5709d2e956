import Capabilities
import Kong
import Plan
import Report
import Settings
import Testing
import Text

/// The settings of a supervisor, and its part of a plan.
@Suite struct SupervisorTests {
  private let start: [ByteString] = ["kong", "docker-start"]

  private func policy(
    _ words: [ByteString], _ variables: [String: String] = [:]
  ) throws -> StopPolicy? {
    let invocation = try Invocation(words + ["--"] + start)
    return try Request(
      command: invocation.command, options: invocation.options,
      environment: Situation.environment(variables)
    ).stopPolicy
  }

  private func failure(
    _ words: [ByteString], _ variables: [String: String] = [:]
  ) -> StartFailure? {
    do { _ = try policy(words, variables) } catch { return error as? StartFailure }
    return nil
  }

  // MARK: the request

  @Test func `there is a supervisor only with --init or ENTRYPOINT_INIT`() throws {
    #expect(try policy([]) == nil)
    #expect(try policy([], ["ENTRYPOINT_INIT": "off"]) == nil)
    #expect(try policy([], ["ENTRYPOINT_INIT": ""]) == nil)
    #expect(try policy(["--init"], ["ENTRYPOINT_INIT": "off"]) != nil)
  }

  @Test func `Kong gets QUIT, and INT stops it at once`() throws {
    let kong = StopPolicy(signal: .quit, stopsAtInterrupt: true)
    #expect(try policy(["--init"]) == kong)
    #expect(try policy([], ["ENTRYPOINT_INIT": "on"]) == kong)
  }

  @Test func `any other command gets the same signal`() throws {
    var options = Options()
    options.supervises = true
    let request = try Request(
      command: ["httpd"], options: options, environment: Situation.environment([:]))
    #expect(request.stopPolicy == StopPolicy())
  }

  @Test func `an option beats its variable`() throws {
    let variables = [
      "ENTRYPOINT_INIT": "on", "ENTRYPOINT_STOP_DELAY": "2s", "ENTRYPOINT_STOP_TIMEOUT": "1m",
      "ENTRYPOINT_STOP_SIGNAL": "SIGTERM",
    ]
    let ofVariables = StopPolicy(
      delay: TimeSpan(milliseconds: 2000), timeout: TimeSpan(milliseconds: 60_000),
      signal: .terminate, stopsAtInterrupt: true)
    #expect(try policy([], variables) == ofVariables)
    let ofOptions = StopPolicy(
      delay: TimeSpan(milliseconds: 500), timeout: TimeSpan(milliseconds: 20_000),
      signal: .interrupt, stopsAtInterrupt: true)
    #expect(
      try policy(
        ["--stop-delay", "500ms", "--stop-timeout=20", "--stop-signal", "int"], variables)
        == ofOptions)
  }

  @Test(
    arguments: [
      (["--init=on"], [:], 64, "--init was given a value"),
      (["--stop-delay"], [:], 64, "--stop-delay has no value"),
      (["--init", "--stop-delay", "soon"], [:], 64, "--stop-delay is given \"soon\""),
      (["--init", "--stop-signal", "BANG"], [:], 64, "--stop-signal is given \"BANG\""),
      (["--stop-delay", "2s"], [:], 64, "--stop-delay was given without --init"),
      (["--stop-timeout", "2s"], [:], 64, "--stop-timeout was given without --init"),
      (["--stop-signal", "QUIT"], [:], 64, "--stop-signal was given without --init"),
      (["--init", "--stop-signal", "KILL"], [:], 78, "--stop-signal: the stop signal is KILL"),
      (
        [], ["ENTRYPOINT_INIT": "on", "ENTRYPOINT_STOP_SIGNAL": "KILL"], 78,
        "ENTRYPOINT_STOP_SIGNAL: the stop signal is KILL"
      ),
      (
        ["--init", "--stop-delay", "10", "--stop-timeout", "10"], [:], 78,
        "the stop timeout, 10s, is not longer than the stop delay, 10s"
      ),
      (
        ["--init", "--stop-timeout", "0"], [:], 78,
        "the stop timeout, 0s, is not longer than the stop delay, 0s"
      ),
      ([], ["ENTRYPOINT_INIT": "yes"], 78, "ENTRYPOINT_INIT is \"yes\""),
      ([], ["ENTRYPOINT_STOP_DELAY": "x"], 78, "ENTRYPOINT_STOP_DELAY is \"x\""),
      ([], ["ENTRYPOINT_STOP_TIMEOUT": "-1"], 78, "ENTRYPOINT_STOP_TIMEOUT is \"-1\""),
      ([], ["ENTRYPOINT_STOP_SIGNAL": "x"], 78, "ENTRYPOINT_STOP_SIGNAL is \"x\""),
    ] as [([ByteString], [String: String], Int32, String)])
  func `a wrong setting ends the start`(
    _ words: [ByteString], _ variables: [String: String], status: Int32, what: String
  ) {
    let failure = failure(words, variables)
    #expect(failure?.status == status)
    #expect(failure?.explanation?.what == what)
  }

  // MARK: the plan

  private func plan(
    _ host: HostSnapshot, _ command: [ByteString]? = nil, user: String? = nil
  ) throws -> Plan {
    var options = Options()
    options.supervises = true
    options.user = user
    let request = try Request(
      command: command ?? start, options: options,
      environment: Situation.environment(["KONG_PROXY_LISTEN": "0.0.0.0:80"]))
    return Planner(request: request, snapshot: host).plan()
  }

  @Test func `the supervisor of a root start is kong, without any capability`() throws {
    let host = Situation.host(Situation.root())
    let supervisor = try #require(try plan(host).supervisor)
    #expect(supervisor.credentials.user == ProcessIDs(1337))
    #expect(supervisor.credentials.group == ProcessIDs(0))
    for set in [
      supervisor.credentials.permitted, supervisor.credentials.effective,
      supervisor.credentials.inheritable, supervisor.credentials.ambient,
      supervisor.credentials.bounding,
    ] { #expect(set.isEmpty) }
    #expect(supervisor.credentials.noNewPrivileges)
    #expect(supervisor.steps.last == .verify(supervisor.credentials))
    #expect(supervisor.steps.credentials(from: host.credentials) == supervisor.credentials)
    #expect(supervisor.prefix?.path == "/usr/local/kong")
  }

  @Test func `the command is granted the same, with and without a supervisor`() throws {
    for credentials in [
      Situation.root(), Situation.user(),
      Situation.user(ambient: Situation.set("net_bind_service")),
    ] {
      let host = Situation.host(credentials)
      let supervised = try plan(host)
      var request = try Request(
        command: start, options: Options(),
        environment: Situation.environment(["KONG_PROXY_LISTEN": "0.0.0.0:80"]))
      let direct = Planner(request: request, snapshot: host).plan()
      request.stopPolicy = StopPolicy()
      #expect(supervised.failure == direct.failure)
      guard direct.failure == nil else { continue }
      #expect(supervised.result == direct.result && supervised.grant == direct.grant)
      #expect(supervised.prepare == direct.prepare)
      guard case .supervise(_, let steps) = supervised.launch.last else {
        Issue.record("no supervisor")
        continue
      }
      #expect(supervised.launch.dropLast() + steps.filter { $0 != .endWithParent } == direct.launch)
      #expect(steps.filter { $0 == .endWithParent }.count == 1)
      #expect(!steps.contains { if case .changeFile = $0 { true } else { false } })
      #expect(supervised.launch.execution == direct.launch.execution)
    }
  }

  @Test func `root's command can become another user, so its supervisor keeps cap_kill`() throws {
    let kill = Situation.set("kill")
    let root = try #require(
      try plan(Situation.host(Situation.root()), ["httpd"]).supervisor)
    #expect(root.credentials.user == ProcessIDs(0))
    #expect(root.credentials.permitted == kill && root.credentials.effective == kill)
    #expect(root.credentials.bounding.isEmpty && root.credentials.noNewPrivileges)
    #expect(root.prefix == nil)
    let without = try #require(
      try plan(Situation.host(Situation.root(Situation.set("setpcap"))), ["httpd"]).supervisor)
    #expect(without.credentials.permitted.isEmpty)
    let web = try #require(
      try plan(Situation.host(Situation.root()), ["httpd"], user: "web").supervisor)
    #expect(web.credentials.user == ProcessIDs(33) && web.credentials.permitted.isEmpty)
  }

  @Test func `a user without privileges keeps the bounding set that it cannot reduce`() throws {
    let host = Situation.host(Situation.user())
    let supervisor = try #require(try plan(host, ["httpd"]).supervisor)
    #expect(supervisor.credentials.bounding == Situation.dockerDefault)
    #expect(supervisor.credentials.permitted.isEmpty && supervisor.credentials.noNewPrivileges)
  }

  @Test func `variables of the stop do nothing without a supervisor, and that is said`() throws {
    let variables = ["ENTRYPOINT_STOP_DELAY": "2s"]
    let said = try ["off", "on"].map { isOn in
      let request = try Request(
        command: start, options: Options(),
        environment: Situation.environment(variables.merging(["ENTRYPOINT_INIT": isOn]) { $1 }))
      return Planner(request: request, snapshot: Situation.host(Situation.root())).plan().warnings
        .map { $0.what }
    }
    #expect(said == [["ENTRYPOINT_STOP_DELAY has no effect without a supervisor"], []])
  }

  @Test func `the supervisor is in both reports`() throws {
    let host = Situation.host(Situation.root())
    let plan = try plan(host)
    let text = PlanText(plan, snapshot: host, isColored: false).render()
    #expect(text.contains("\nSupervisor\n  user              kong (1337:0)\n"))
    #expect(text.contains("  stop signal       QUIT\n"))
    let json = PlanReport(plan, snapshot: host).json.lines
    #expect(json.contains("\"supervisor\": {\n    \"credentials\": {\n      \"uid\": 1337,"))
    #expect(json.contains("\"stop_signal\": \"QUIT\""))
  }
}
