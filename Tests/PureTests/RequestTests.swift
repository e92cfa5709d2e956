import Kong
import Plan
import Text
import Testing

@Suite("The request for a start")
struct RequestTests {
  private func request(_ variables: [String: String], _ options: Options = Options()) throws
    -> Request
  {
    try Request(
      command: ["kong", "docker-start"], options: options,
      environment: Situation.environment(variables))
  }

  @Test("prefers an option to its variable, and the variable to the default")
  func precedence() throws {
    let variables = [
      "ENTRYPOINT_USER": "web", "ENTRYPOINT_PROXY": "/x", "ENTRYPOINT_CAP_MODE": "FILE",
      "ENTRYPOINT_NO_NEW_PRIVS": "off",
    ]
    let fromVariables = try request(variables)
    #expect(fromVariables.user?.text == "web")
    #expect(fromVariables.user?.origin == .variable("ENTRYPOINT_USER"))
    #expect(fromVariables.proxy == "/x" && fromVariables.mode == .file)
    #expect(fromVariables.noNewPrivileges == false)
    var options = Options()
    options.user = "root"
    options.proxy = "/y"
    options.mode = .ambient
    options.noNewPrivileges = true
    let fromOptions = try request(variables, options)
    #expect(fromOptions.user?.text == "root" && fromOptions.user?.origin == .option("--user"))
    #expect(fromOptions.proxy == "/y" && fromOptions.mode == .ambient)
    #expect(fromOptions.noNewPrivileges == true)
    let byDefault = try request(["ENTRYPOINT_USER": "", "KONG_PREFIX": ""])
    #expect(byDefault.user == nil && byDefault.proxy == Request.defaultProxy)
    #expect(byDefault.prefix == "/usr/local/kong" && byDefault.mode == .auto)
  }

  @Test("ends with 78, and the possible values, for another value of a variable")
  func badChoice() throws {
    let failure = try #require(throws: StartFailure.self) {
      _ = try request(["ENTRYPOINT_CAP_MODE": "maybe"])
    }
    #expect(failure.status == 78)
    #expect(failure.explanation?.why == "it must be auto, file or ambient")
  }

  @Test("reads SET_CAP_*: empty is no request, off forbids, anything else requests")
  func capabilities() throws {
    let request = try request([
      "SET_CAP_A": "", "SET_CAP_B": "off", "SET_CAP_C": "1", "SET_CAP_D": "offf",
    ])
    #expect(request.capabilities.map(\.name) == ["B", "C", "D"])
    #expect(request.capabilities.map(\.isGranted) == [false, true, true])
  }

  @Test("uses the first of two variables with one name, like getenv")
  func duplicates() {
    let environment = Environment([
      Environment.Variable(name: "KONG_PREFIX", value: "/a"),
      Environment.Variable(name: "KONG_PREFIX", value: "/b"),
    ])
    #expect(environment["KONG_PREFIX"] == "/a")
  }

  @Test(
    "accepts the prefix as in Kong's documentation, with a slash at its end",
    arguments: [
      ("/usr/local/kong/", "/usr/local/kong"), ("/srv/kong", "/srv/kong"), ("", "/usr/local/kong"),
      ("/", "/"), ("//", "//"), ("/srv/kong//", "/srv/kong//"),
    ])
  func prefix(value: String, prefix: String) throws {
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(["KONG_PREFIX": value]))
    #expect(request.prefix == ByteString(prefix))
  }

  @Test("ends with 78 for a prefix that is a system directory or not clear")
  func badPrefix() throws {
    for prefix in ["/", "/etc", "kong", "/srv/../etc", "/usr/local/openresty"] {
      let plan = try Situation.plan(["KONG_PREFIX": prefix], on: Situation.host(Situation.root()))
      #expect(plan.failure?.status == 78 && plan.prepare.isEmpty, "\(prefix)")
    }
  }

  @Test("warns of a variable that begins like ours and is unknown, with the names of ours")
  func unknownVariable() throws {
    let plan = try Situation.plan(
      [
        "ENTRYPOINT_HOOK": "off", "ENTRYPOINT_HOOKS": "off", "ENTRYPOINT_LOG_LEVEL": "debug",
        "ENTRYPOINT_FOO": "",
      ], on: Situation.host(Situation.root()))
    #expect(plan.prepareWarnings.map(\.what) == ["ENTRYPOINT_HOOK is not a variable of entrypoint"])
    #expect(plan.prepareWarnings.first?.why.contains("ENTRYPOINT_HOOKS, ") == true)
  }

  @Test(
    "warns of a prefix in kong.conf that is not the one that Kong works in",
    arguments: [
      ("/srv/kong", nil, true), ("/usr/local/kong/", nil, false),
      ("/srv/kong", "/data/kong", false),
    ] as [(String, String?, Bool)])
  func otherPrefix(inFile: String, variable: String?, isWarned: Bool) throws {
    var host = Situation.host(Situation.root())
    host.files.configuration = KongFiles.ConfigurationFile(
      path: "/etc/kong/kong.conf",
      configuration: KongConfiguration(Array("prefix = \(inFile)\n".utf8)))
    let plan = try Situation.plan(variable.map { ["KONG_PREFIX": $0] } ?? [:], on: host)
    let warning = "prefix = /srv/kong in /etc/kong/kong.conf does not count: Kong works in "
    #expect(plan.prepareWarnings.map(\.what) == (isWarned ? [warning + "/usr/local/kong"] : []))
  }

  @Test("warns of listeners that only Kong can know, and still plans the start")
  func vault() throws {
    let plan = try Situation.plan(
      ["KONG_ADMIN_LISTEN": "{vault://env/listen}", "KONG_PROXY_LISTEN": "0.0.0.0:80"],
      on: Situation.host(Situation.root()))
    #expect(plan.failure == nil && plan.listeners.first?.entry == "0.0.0.0:80")
    #expect(!plan.listeners.contains { $0.source.contains("admin_listen") })
    #expect(plan.warnings.count == 1)
    #expect(plan.warnings.first?.what.contains("KONG_ADMIN_LISTEN") == true)
  }

  @Test("has at most twenty warnings of such listeners")
  func vaults() throws {
    let variables = Dictionary(
      uniqueKeysWithValues: (0..<100).map { ("KONG_A\($0)_LISTEN", "{vault://env/x}") })
    let options = (0..<100).map { "a\($0)_listen = off\n" }.joined()
    var host = Situation.host(Situation.root())
    host.files.defaults = KongDefaults(Array("return [[\n\(options)]]".utf8))
    let plan = try Situation.plan(variables, on: host)
    #expect(plan.failure == nil && plan.warnings.count == 20)
  }

  @Test("prints --cap in one printable line")
  func forgedCapability() throws {
    var options = Options()
    options.capabilities = ["net_raw\nentrypoint: info: forged"]
    let request = try Request(command: ["true"], options: options, environment: Environment([]))
    #expect(
      request.capabilities[0].origin.description
        == #"--cap net_raw\x0aentrypoint: info: forged"#)
  }

  @Test(
    "never reads a secret, or anything else that is not its own",
    arguments: [
      "KONG_PG_PASSWORD", "KONG_PASSWORD", "AWS_SECRET_ACCESS_KEY", "KONG_NGINX_PROXY_",
      "KONG_LISTEN", "XKONG_PROXY_LISTEN", "HOME", "SET_CAP_X\nentrypoint: info: forged",
      "KONG_\u{1b}[31m_LISTEN", "KONG_\u{2028}_FILE", "ENTRYPOINT_\u{9b}2J",
    ])
  func notInterpreted(name: String) {
    #expect(!Environment.interprets(name))
    #expect(Environment([Environment.Variable(name: name, value: "s3cret")])[name] == nil)
  }
}
