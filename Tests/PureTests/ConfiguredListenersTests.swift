@testable import Kong
@testable import Nginx
@testable import Plan
@testable import Text
import Testing

@Suite("Where Kong listens")
struct ConfiguredListenersTests {
  private func configuration(_ text: String) -> KongFiles.ConfigurationFile {
    KongFiles.ConfigurationFile(
      path: "/etc/kong/kong.conf", configuration: KongConfiguration(Array(text.utf8)))
  }

  private func listeners(
    _ variables: [String: String] = [:], files: KongFiles = KongFiles()
  ) throws -> [String] {
    let settings = try ConfiguredListeners(
      environment: Situation.environment(variables), files: files)
    return settings.listeners(with: files.generated).map(\.description)
  }

  private let defaults = [
    "default of proxy_listen 0.0.0.0:8000", "default of proxy_listen 0.0.0.0:8443 ssl",
    "default of admin_listen 127.0.0.1:8001", "default of admin_listen 127.0.0.1:8444 ssl",
    "default of admin_gui_listen 0.0.0.0:8002", "default of admin_gui_listen 0.0.0.0:8445 ssl",
    "default of status_listen 127.0.0.1:8007",
  ]

  @Test("comes from Kong's defaults if nothing else is set")
  func onlyDefaults() throws {
    #expect(try listeners() == defaults)
  }

  @Test("the environment beats kong.conf, which beats the defaults; each names its source")
  func precedence() throws {
    let files = KongFiles(
      configuration: configuration(
        "# settings\nproxy_listen = 0.0.0.0:81\nadmin_listen = 127.0.0.1:91 # here\n"))
    let found = try listeners(["KONG_PROXY_LISTEN": "0.0.0.0:80"], files: files)
    #expect(
      found == [
        "KONG_PROXY_LISTEN 0.0.0.0:80", "/etc/kong/kong.conf:3 127.0.0.1:91",
      ] + defaults.suffix(3))
  }

  @Test("an empty variable beats kong.conf, too, and Kong refuses it")
  func emptyVariable() throws {
    let files = KongFiles(configuration: configuration("proxy_listen = 0.0.0.0:81\n"))
    let failure = try #require(throws: StartFailure.self) {
      try listeners(["KONG_PROXY_LISTEN": ""], files: files)
    }
    #expect(failure.status == 78)
    #expect(failure.explanation?.what == "KONG_PROXY_LISTEN is empty")
  }

  @Test("a bad listener in kong.conf is reported with file and line, and ends with 78")
  func badFile() throws {
    let files = KongFiles(configuration: configuration("\nproxy_listen = 81\n"))
    #expect {
      try listeners(files: files)
    } throws: { error in
      let failure = error as? StartFailure
      return failure?.status == 78
        && failure?.explanation?.what.hasPrefix("/etc/kong/kong.conf:2: entry 1, \"81\"") == true
    }
  }

  @Test(
    "depends on Kong's role",
    arguments: [
      ("control_plane", ["KONG_ADMIN_LISTEN", "KONG_CLUSTER_LISTEN", "KONG_STREAM_LISTEN"]),
      ("data_plane", ["KONG_PROXY_LISTEN", "KONG_STREAM_LISTEN"]),
      ("traditional", ["KONG_ADMIN_LISTEN", "KONG_PROXY_LISTEN", "KONG_STREAM_LISTEN"]),
    ])
  func role(role: String, used: [String]) throws {
    let variables = [
      "KONG_PROXY_LISTEN": "1.1.1.1:80", "KONG_STREAM_LISTEN": "1.1.1.1:81",
      "KONG_ADMIN_LISTEN": "1.1.1.1:82", "KONG_CLUSTER_LISTEN": "1.1.1.1:83",
    ]
    let isSet = { (found: [String]) in
      found.filter { $0.hasPrefix("KONG_") }.map { String($0.split(separator: " ")[0]) }
    }
    #expect(isSet(try listeners(variables.merging(["KONG_ROLE": role]) { $1 })) == used)
    let files = KongFiles(configuration: configuration("role = \(role)\n"))
    #expect(isSet(try listeners(variables, files: files)) == used)
  }

  @Test("a control plane gets no capability for a proxy port that it never opens")
  func controlPlane() throws {
    let plan = try Situation.plan(
      ["KONG_ROLE": "control_plane", "KONG_PROXY_LISTEN": "0.0.0.0:80"],
      on: Situation.host(Situation.root()))
    #expect(plan.failure == nil && plan.needs.isEmpty && plan.grant == .none)
  }

  // MARK: what a role, a version and the list of options decide

  private func defaults(_ options: String...) -> KongDefaults? {
    KongDefaults(Array("return [[\n\(options.joined(separator: "\n"))\n]]".utf8))
  }

  private func sources(_ variables: [String: String], files: KongFiles = KongFiles()) throws
    -> [String]
  {
    try listeners(variables, files: files).filter { $0.hasPrefix("KONG_") }
  }

  @Test("a role may have blanks around it, and an unknown one ends with 78")
  func oddRoles() throws {
    let proxy = ["KONG_PROXY_LISTEN": "0.0.0.0:80"]
    #expect(try sources(proxy.merging(["KONG_ROLE": " control_plane\n"]) { $1 }) == [])
    for role in ["hybrid", "", "CONTROL_PLANE"] {
      let failure = try #require(throws: StartFailure.self) { try listeners(["KONG_ROLE": role]) }
      #expect(failure.status == 78 && failure.explanation?.what == "KONG_ROLE is \"\(role)\"")
    }
    let files = KongFiles(configuration: configuration("role = data-plane\n"))
    let failure = try #require(throws: StartFailure.self) { try listeners(files: files) }
    #expect(failure.explanation?.what == "role in /etc/kong/kong.conf is \"data-plane\"")
  }

  @Test(
    "if the role is a reference to a vault, the listeners of all roles count, with a warning")
  func unknownRole() throws {
    let variables = [
      "KONG_ROLE": "{vault://env/role}", "KONG_PROXY_LISTEN": "0.0.0.0:80",
      "KONG_CLUSTER_LISTEN": "0.0.0.0:85",
    ]
    #expect(
      try sources(variables) == ["KONG_CLUSTER_LISTEN 0.0.0.0:85", "KONG_PROXY_LISTEN 0.0.0.0:80"])
    let settings = try ConfiguredListeners(
      environment: Situation.environment(variables), files: KongFiles())
    #expect(settings.warnings.map(\.why).first?.hasPrefix("KONG_ROLE is a reference") == true)
  }

  @Test("the Kong Manager listens only where the Admin API does, from Kong 3.5 on")
  func manager() throws {
    let variables = ["KONG_ADMIN_LISTEN": "off", "KONG_ADMIN_GUI_LISTEN": "0.0.0.0:82"]
    #expect(try sources(variables) == [])
    let both = ["admin_listen = off", "admin_gui_listen = off", "proxy_listen = 0.0.0.0:8000"]
    var files = KongFiles(defaults: defaults(both[0], both[1], both[2]))
    #expect(try sources(variables, files: files) == ["KONG_ADMIN_GUI_LISTEN 0.0.0.0:82"])
    files.defaults = defaults(both[0], both[1], both[2], "headers_upstream = x")
    #expect(try sources(variables, files: files) == [])
  }

  @Test("a setting that this Kong does not have is ignored, whatever its value")
  func unknownSetting() throws {
    let variables = [
      "KONG_FOO_LISTEN": "on", "KONG_PROXY_LISTEN": "0.0.0.0:80",
      "KONG_ADMIN_GUI_LISTEN": "0.0.0.0:81",
    ]
    // Without the list, Kong 3.9's is assumed.
    #expect(
      try sources(variables) == [
        "KONG_ADMIN_GUI_LISTEN 0.0.0.0:81", "KONG_PROXY_LISTEN 0.0.0.0:80",
      ])
    let files = KongFiles(
      configuration: configuration("foo_listen = https://x\nadmin_listen = 0.0.0.0:82\n"),
      defaults: defaults("proxy_listen = off", "admin_listen = off"))
    #expect(
      try listeners(variables, files: files) == [
        "KONG_PROXY_LISTEN 0.0.0.0:80", "/etc/kong/kong.conf:2 0.0.0.0:82",
      ])
  }

  @Test("a key with a capital letter in kong.conf is ignored, because Kong's keys have none")
  func capitals() throws {
    let files = KongFiles(
      configuration: configuration("PROXY_LISTEN = 80\nProxy_Listen = x\nRole = y\n"))
    #expect(try listeners(files: files) == defaults)
  }

  @Test("a listener of two settings is one listener, with the flags of both")
  func sameInTwo() throws {
    let found = try sources([
      "KONG_ADMIN_LISTEN": "0.0.0.0:80 reuseport", "KONG_PROXY_LISTEN": "*:080 ssl",
    ])
    #expect(found == ["KONG_ADMIN_LISTEN 0.0.0.0:80 reuseport ssl"])
  }

  @Test("a variable's listener does not get the flags of the same listener in a file")
  func noForeignFlags() throws {
    let files = KongFiles(configuration: configuration("admin_listen = *:80 transparent\n"))
    let plan = try {
      var host = Situation.host(Situation.root())
      host.files = files
      return try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: host)
    }()
    #expect(plan.needs.map(\.capability) == [.netBindService])
  }

  @Test(
    "a template of --nginx-conf hides listeners, and so does an unreadable file")
  func hidden() throws {
    var files = KongFiles()
    files.template = "/etc/kong/t.template"
    files.unread = KongFiles.UnreadFile(path: "/etc/kong/kong.conf", reason: "Permission denied")
    let settings = try ConfiguredListeners(environment: Environment(), files: files)
    #expect(settings.warnings.count == 2)
    for warning in settings.warnings {
      #expect(warning.what.contains("not known before kong prepare has run"))
      #expect(!warning.waysOut.isEmpty)
    }
    // These warnings end once more is known. An older configuration does not tell more.
    let current = GeneratedListeners(listeners: [], isCurrent: true)
    #expect(settings.warnings(with: current).isEmpty)
    let older = GeneratedListeners(listeners: [], isCurrent: false)
    #expect(settings.warnings(with: older).count == 2)
  }

  @Test("20,000 entries in the environment, in kong.conf and in the list take no quadratic time")
  func many() throws {
    let value = (0..<20_000).map { "[::\($0 / 1000):\($0 % 1000)]:80" }
    let options = (0..<20_000).map { "a\($0)_listen = off" }.joined(separator: "\n")
    let files = KongFiles(
      configuration: configuration(
        options + "\nproxy_listen = 0.0.0.0:1\nstream_listen = "
          + String(repeating: "ssl  ", count: 20_000) + "0.0.0.0:2"),
      defaults: defaults(
        options, "stream_listen = off", "admin_listen = off", "proxy_listen = off", "role = x"))
    let clock = ContinuousClock()
    let time = try clock.measure {
      let found = try listeners(
        ["KONG_ADMIN_LISTEN": value.joined(separator: ", ")], files: files)
      #expect(found.count == 20_002)
    }
    // A debug build takes about two seconds; quadratic work would take minutes.
    #expect(time < .seconds(60))
  }

  @Test("Kong's own list of defaults counts if it is known")
  func knownDefaults() throws {
    let text =
      "return [[\nproxy_listen = 0.0.0.0:9000\nadmin_listen = off\nstatus_listen = NONE\n]]"
    let files = KongFiles(defaults: KongDefaults(Array(text.utf8)))
    #expect(try listeners(files: files) == ["default of proxy_listen 0.0.0.0:9000"])
  }

  @Test("a setting that this Kong does not have causes a warning if it is nearly one that it has")
  func misspelt() throws {
    var host = Situation.host(Situation.root())
    host.files.defaults = KongDefaults(
      Array("return [[\nproxy_listen = off\nadmin_listen = off\nstatus_listen = off\n]]".utf8))
    let variables = [
      "KONG_PROXI_LISTEN": "0.0.0.0:80", "KONG_STAUTS_LISTEN": "0.0.0.0:81",
      "KONG_ADMIN_LISTEN": "off",
      "KONG_ADMINS_LISTEN": "", "KONG_PORTAL_GUI_LISTEN": "off", "KONG_NGINX_PROXY_LISTEN": "82",
    ]
    let warnings = try Situation.plan(variables, on: host).prepareWarnings
    #expect(
      warnings == [
        Explanation(
          what: "KONG_PROXI_LISTEN is no option of this Kong, which ignores it",
          why: "the option with the most similar name is KONG_PROXY_LISTEN",
          waysOut: ["correct the name: KONG_PROXY_LISTEN", "unset KONG_PROXI_LISTEN"]),
        Explanation(
          what: "KONG_STAUTS_LISTEN is no option of this Kong, which ignores it",
          why: "the option with the most similar name is KONG_STATUS_LISTEN",
          waysOut: ["correct the name: KONG_STATUS_LISTEN", "unset KONG_STAUTS_LISTEN"]),
      ])
  }

  // MARK: the generated configuration

  private func generated(
    _ listeners: [(String, Int)], warnings: [Explanation] = [], isCurrent: Bool = true
  ) -> GeneratedListeners {
    GeneratedListeners(
      listeners: listeners.enumerated().map { index, listener in
        Listener(
          source: "/p/nginx.conf:\(index + 1)",
          address: .inet(host: listener.0, port: listener.1))
      }, warnings: warnings, isCurrent: isCurrent)
  }

  @Test(
    "after kong prepare comes from the generated configuration, with its setting as the source if there is one"
  )
  func fromGenerated() throws {
    let files = KongFiles(generated: generated([("0.0.0.0", 81), ("0.0.0.0", 80)]))
    let found = try listeners(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80 reuseport", "KONG_ADMIN_LISTEN": "0.0.0.0:82"],
      files: files)
    #expect(found == ["/p/nginx.conf:1 0.0.0.0:81", "KONG_PROXY_LISTEN 0.0.0.0:80 reuseport"])
  }

  @Test(
    "after kong prepare is matched to its setting by address, however that is written",
    arguments: [
      ("[::]", "[::]:80"), ("[0000:0000:0000:0000:0000:0000:0000:0000]", "[::]:80"),
      ("127.0.0.1", "127.000.000.001:0080"), ("0.0.0.0", "*:80"), ("localhost", "LocalHost:80"),
      ("[0000:0000:0000:0000:0000:ffff:0102:0304]", "[::ffff:102:304]:80"),
    ])
  func byAddress(host: String, entry: String) throws {
    let files = KongFiles(generated: generated([(host, 80)]))
    let found = try listeners(["KONG_PROXY_LISTEN": entry], files: files)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("KONG_PROXY_LISTEN ") == true)
  }

  @Test(
    "transparent on [::] gets its capability, though kong prepare writes the address differently")
  func transparentIPv6() throws {
    var host = Situation.host(Situation.root())
    let address = ListenAddress.inet(
      host: "[0000:0000:0000:0000:0000:0000:0000:0000]", port: 9000)
    host.files.generated = GeneratedListeners(
      listeners: [Listener(source: "/p/nginx.conf:1", address: address, flags: ["transparent"])],
      isCurrent: true)
    let plan = try Situation.plan(["KONG_STREAM_LISTEN": "[::]:9000 transparent"], on: host)
    #expect(plan.needs.map(\.capability) == [.netRaw])
    #expect(plan.listeners.map(\.source) == ["KONG_STREAM_LISTEN"])
  }

  @Test(
    "cap_net_raw is granted for a variable's transparent listener, not for one in a file of the user's"
  )
  func transparent() throws {
    var host = Situation.host(Situation.root())
    let address = ListenAddress.inet(host: "0.0.0.0", port: 9000)
    let listener = Listener(source: "/p/nginx.conf:1", address: address, flags: ["transparent"])
    host.files.generated = GeneratedListeners(listeners: [listener], isCurrent: true)
    let setting = ["KONG_STREAM_LISTEN": "0.0.0.0:9000 transparent"]
    #expect(try Situation.plan(setting, on: host).needs.map(\.capability) == [.netRaw])
    let planted = try Situation.plan([:], on: host)
    #expect(planted.needs.isEmpty && planted.failure == nil)
    #expect(planted.warnings.first?.what.contains("for /p/nginx.conf:1 0.0.0.0:9000") == true)
    let asked = try Situation.plan(["SET_CAP_NET_RAW": "1"], on: host)
    #expect(asked.needs.map(\.capability) == [.netRaw] && asked.warnings.isEmpty)
  }

  @Test(
    "cap_net_raw is granted neither for kong.conf nor for Kong's defaults, which belong to the user"
  )
  func transparentInFiles() throws {
    var host = Situation.host(Situation.root())
    let text = "proxy_listen = 0.0.0.0:9000 transparent"
    let generated = Listener(
      source: "/p/nginx.conf:1", address: .inet(host: "0.0.0.0", port: 9000), flags: ["transparent"]
    )
    for isPrepared in [false, true] {
      host.files.generated =
        isPrepared ? GeneratedListeners(listeners: [generated], isCurrent: true) : nil
      host.files.configuration = KongFiles.ConfigurationFile(
        path: "/etc/kong/kong.conf", configuration: KongConfiguration(Array(text.utf8)))
      host.files.defaults = nil
      let configured = try Situation.plan([:], on: host)
      #expect(configured.needs.isEmpty)
      #expect(configured.warnings.first?.what.contains("kong.conf:1 0.0.0.0:9000") == true)
      host.files.configuration = nil
      host.files.defaults = KongDefaults(Array("return [[\n\(text)\n]]".utf8))
      let byDefault = try Situation.plan([:], on: host)
      #expect(byDefault.needs.isEmpty)
      #expect(byDefault.warnings.first?.what.contains("default of proxy_listen") == true)
    }
  }

  @Test("settings that an older generated configuration lacks count, too")
  func older() throws {
    let files = KongFiles(generated: generated([("0.0.0.0", 81)], isCurrent: false))
    let found = try listeners(["KONG_PROXY_LISTEN": "0.0.0.0:80"], files: files)
    #expect(found == ["/p/nginx.conf:1 0.0.0.0:81", "KONG_PROXY_LISTEN 0.0.0.0:80"])
  }

  @Test("if a part of it is unreadable, the settings are the best knowledge, with a warning")
  func unreadable() throws {
    let warning = Explanation(what: "/p/nginx.conf is missing", why: "w", waysOut: [])
    var host = Situation.host(Situation.root())
    host.files.generated = generated([], warnings: [warning])
    let plan = try Situation.plan(["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: host)
    #expect(plan.warnings == [warning])
    #expect(plan.listeners.first?.description == "KONG_PROXY_LISTEN 0.0.0.0:80")
    #expect(plan.listeners.count == 6)
    #expect(plan.needs.map(\.capability) == [.netBindService])
  }

  @Test(
    "kong.conf is the one of the last -c or --conf",
    arguments: [
      (["-c", "/a"], "/a"), (["--vv", "--conf", "/b"], "/b"), (["--conf=/c"], "/c"),
      (["-c", "/a", "-c", "/b"], "/b"), (["-c"], nil), (["--nginx-conf", "/t"], nil),
      (["-c", "-c"], "-c"),
    ] as [([String], String?)])
  func configurationPath(arguments: [String], path: String?) throws {
    let request = try Request(
      command: ["kong", "docker-start"] + arguments.map { ByteString($0) }, options: Options(),
      environment: Environment())
    #expect(request.configurationPath == path.map { ByteString($0) })
  }
}
