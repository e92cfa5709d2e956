import Capabilities
import Kong
import Plan
import Report
import Services
import Settings
import Testing
import Text

/// `--wait-for` in a request and in a plan.
@Suite struct WaitTests {
  private func request(
    _ words: [ByteString], _ variables: [String: String] = [:],
    command: [ByteString] = ["kong", "docker-start"]
  ) throws -> Request {
    let invocation = try Invocation(words + ["--"] + command)
    return try Request(
      command: invocation.command, options: invocation.options,
      environment: Situation.environment(variables))
  }

  private func plan(
    _ words: [ByteString], _ variables: [String: String] = [:],
    command: [ByteString] = ["kong", "docker-start"],
    as credentials: Credentials = Situation.root(),
    file: String? = nil
  ) throws -> Plan {
    var host = Situation.host(credentials)
    if let file {
      host.files.configuration = KongFiles.ConfigurationFile(
        path: "/etc/kong/kong.conf", configuration: KongConfiguration(Array(file.utf8)))
    }
    return Planner(request: try request(words, variables, command: command), snapshot: host).plan()
  }

  private func failure(_ plan: @autoclosure () throws -> Plan) -> StartFailure? {
    do { return try plan().failure } catch { return error as? StartFailure }
  }

  /// The services of a wait, in words.
  private func services(_ plan: Plan) -> [String] { plan.wait?.services.map(\.description) ?? [] }

  // MARK: the request

  @Test func `an option beats its variable, and can be repeated`() throws {
    let variables = [
      "ENTRYPOINT_WAIT_FOR": "a:1, database", "ENTRYPOINT_WAIT_TIMEOUT": "5m",
      "ENTRYPOINT_WAIT_INTERVAL": "2s",
    ]
    let ofVariables = try #require(try request([], variables).wait)
    #expect(ofVariables.subjects.count == 2 && ofVariables.subjects[1] == .database)
    #expect(ofVariables.timeout.text == "5m" && ofVariables.interval.text == "2s")
    let ofOptions = try #require(
      try request(
        [
          "--wait-for", "b:2,c:3", "--wait-for=d:4", "--wait-timeout", "1s", "--wait-interval=10ms",
        ],
        variables
      ).wait)
    #expect(ofOptions.subjects.count == 3 && ofOptions.origin == "--wait-for")
    #expect(ofOptions.timeout.text == "1s" && ofOptions.interval.text == "10ms")
    #expect(try request([], ["ENTRYPOINT_WAIT_FOR": ""]).wait == nil)
    #expect(try request(["--wait-for", "a:1"]).wait?.timeout.text == "1m")
  }

  @Test(
    arguments: [
      (["--wait-for", "db"], [:], 64, "--wait-for is given \"db\""),
      (["--wait-for", "a:1,"], [:], 64, "--wait-for is given \"a:1,\""),
      (["--wait-for", "a:1", "--wait-timeout", "0"], [:], 64, "--wait-timeout is given \"0\""),
      (["--wait-timeout", "5s"], [:], 64, "--wait-timeout was given without --wait-for"),
      (["--wait-interval", "5s"], [:], 64, "--wait-interval was given without --wait-for"),
      ([], ["ENTRYPOINT_WAIT_FOR": "db"], 78, "ENTRYPOINT_WAIT_FOR is \"db\""),
      ([], ["ENTRYPOINT_WAIT_TIMEOUT": "soon"], 78, "ENTRYPOINT_WAIT_TIMEOUT is \"soon\""),
      ([], ["ENTRYPOINT_WAIT_INTERVAL": "0s"], 78, "ENTRYPOINT_WAIT_INTERVAL is \"0s\""),
    ] as [([ByteString], [String: String], Int32, String)])
  func `a wrong value ends the start`(
    words: [ByteString], variables: [String: String], status: Int32, what: String
  ) {
    let failure = failure(try plan(words, variables))
    #expect(failure?.status == status && failure?.explanation?.what == what)
  }

  // MARK: the database

  @Test func `the environment says where the database is, then kong-conf, then Kong's default`()
    throws
  {
    let file = "pg_host = file\npg_port = 1 # one\npg_ssl = on\n"
    #expect(
      services(try plan(["--wait-for", "database"]))
        == ["PostgreSQL at 127.0.0.1:5432 (the default of KONG_PG_HOST)"])
    #expect(
      services(try plan(["--wait-for", "database"], file: file))
        == ["PostgreSQL at file:1 (pg_host in /etc/kong/kong.conf)"])
    let variables = ["KONG_PG_HOST": "::1", "KONG_PG_PORT": "", "KONG_PG_USER": "k"]
    let plan = try plan(["--wait-for", "database,redis:6379"], variables, file: file)
    #expect(
      services(plan) == [
        "PostgreSQL at [::1]:5432 (KONG_PG_HOST)", "redis:6379 (--wait-for)",
      ])
    #expect(plan.wait?.services[0].kind == .postgreSQL(user: "k", database: "kong", encrypts: true))
  }

  @Test func `the database of a secret's file is known to Kong's commands only`() throws {
    let variables = ["KONG_PG_HOST_FILE": "/run/secrets/host"]
    var host = Situation.host(Situation.root())
    host.secrets = .known([
      ResolvedSecret(
        reference: SecretReference(variable: "KONG_PG_HOST", path: "/run/secrets/host"),
        secret: Secret(Array("db.example".utf8)))
    ])
    let known = Planner(
      request: try request(["--wait-for", "database"], variables), snapshot: host
    ).plan()
    #expect(services(known) == ["PostgreSQL at db.example:5432 (KONG_PG_HOST)"])
    let failure = failure(try plan(["--wait-for", "database"], variables, command: ["sh"]))
    #expect(failure?.status == 78)
    #expect(failure?.explanation?.what.hasSuffix("KONG_PG_HOST_FILE names a file") == true)
  }

  @Test(arguments: [
    (["KONG_PG_HOST": "{vault://env/host}"], "KONG_PG_HOST is a reference to a vault"),
    (["KONG_PG_PORT": "{vault://env/port}"], "KONG_PG_PORT is a reference to a vault"),
    (["KONG_DATABASE": "cassandra"], "KONG_DATABASE is neither postgres nor off"),
    (
      ["KONG_PG_HOST": "d b"],
      "KONG_PG_HOST and the default of KONG_PG_PORT do not name a host and a port"
    ),
  ])
  func `what only Kong can know ends the start, and says what to write`(
    variables: [String: String], what: String
  ) {
    let failure = failure(try plan(["--wait-for", "database"], variables))
    #expect(failure?.status == 78)
    #expect(
      failure?.explanation?.what == "the address of Kong's database cannot be known: \(what)")
    #expect(
      failure?.explanation?.waysOut == [
        "name it in place of the word database: --wait-for HOST:PORT"
      ])
  }

  @Test func `without a database, nothing is waited for, and a warning says so`() throws {
    for (variables, file) in [(["KONG_DATABASE": "off"], nil), ([:], "database = off\n")] {
      let plan = try plan(["--wait-for", "database"], variables, file: file)
      #expect(plan.wait == nil && plan.failure == nil)
      #expect(
        plan.warnings.contains { $0.what == "--wait-for names the database, but Kong uses none" })
    }
  }

  // MARK: the steps

  private func waiting(_ steps: [Step]) -> [Int] {
    steps.indices.filter { index in
      if case .run(let inner, _) = steps[index], case .wait = inner.last { true } else { false }
    }
  }

  @Test
  func `Kong's start waits after the prefix is given away, and before anything of kong's runs`()
    throws
  {
    let plan = try plan(["--wait-for", "a:1"])
    #expect(waiting(plan.prepare) == [1] && waiting(plan.launch) == [])
    guard case .changeFile(.givePrefix) = plan.prepare[0],
      case .run(let steps, false) = plan.prepare[1]
    else { return #expect(Bool(false), "\(plan.prepare)") }
    let after = steps.credentials(from: Situation.root())
    #expect(after.user == ProcessIDs(1337) && after.noNewPrivileges)
    for set in [after.permitted, after.effective, after.inheritable, after.ambient, after.bounding]
    {
      #expect(set.isEmpty)
    }
    // `kong health` must fail while the start waits.
    #expect(steps.contains { if case .inPrefix(_, .removeStalePid) = $0 { true } else { false } })
    #expect(steps.contains(.verify(after)) && steps.contains(.endWithParent))
  }

  @Test func `other commands wait, too, and are the same otherwise`() throws {
    for command: [ByteString] in [["kong", "migrations", "up"], ["sh", "-c", "true"]] {
      for words: [ByteString] in [[], ["--user", "web"], ["--init"]] {
        let bare = try plan(words, command: command)
        let plan = try plan(words + ["--wait-for", "a:1"], command: command)
        #expect(waiting(plan.launch) == [0])
        #expect(Array(plan.launch.dropFirst()) == bare.launch)
        #expect(plan.result == bare.result)
      }
    }
  }

  @Test func `a dry run shows what is waited for, and for how long`() throws {
    let host = Situation.host(Situation.root())
    let plan = try plan(["--wait-for", "a:1", "--wait-timeout", "90s"])
    let text = PlanText(plan, snapshot: host, isColored: false).render()
    #expect(text.contains("run                       wait for a:1 (--wait-for)\n"))
    #expect(text.contains("wait-for                a:1 (--wait-for), at most 90s, every 1s\n"))
    let json = PlanReport(plan, snapshot: host).json.line
    #expect(
      json.contains(
        #""wait":{"services":[{"address":"a:1","kind":"connection","source":"--wait-for"}]"#))
    #expect(json.contains(#""timeout_ms":90000,"interval_ms":1000}"#))
  }

  @Test func `waiting needs no capability that the start does not need anyway`() throws {
    for words: [ByteString] in [[], ["--wait-for", "a:1"]] {
      let planner = Planner(
        request: try request(words), snapshot: Situation.host(Situation.root()))
      #expect(
        Situation.names.text(of: try planner.leastPrivileges().capabilities)
          == "cap_chown,cap_setgid,cap_setuid,cap_setpcap")
    }
  }
}
