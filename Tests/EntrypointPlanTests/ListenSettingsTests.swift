import Testing

@testable import EntrypointPlan

@Suite("Where Kong listens")
struct ListenSettingsTests {
  private func configuration(_ text: String) -> KongFiles.ConfigurationFile {
    KongFiles.ConfigurationFile(
      path: "/etc/kong/kong.conf", configuration: KongConfiguration(Array(text.utf8)))
  }

  private func listeners(
    _ variables: [String: String] = [:], files: KongFiles = KongFiles()
  ) throws -> [String] {
    let settings = try ListenSettings(
      environment: Situation.environment(variables), files: files)
    return settings.listeners(with: files.generated).map(\.description)
  }

  private let defaults = [
    "default of proxy_listen 0.0.0.0:8000", "default of proxy_listen 0.0.0.0:8443 ssl",
    "default of admin_listen 127.0.0.1:8001", "default of admin_listen 127.0.0.1:8444 ssl",
    "default of admin_gui_listen 0.0.0.0:8002", "default of admin_gui_listen 0.0.0.0:8445 ssl",
    "default of status_listen 127.0.0.1:8007",
  ]

  @Test("is what Kong's defaults say, if nobody says anything")
  func onlyDefaults() throws {
    #expect(try listeners() == defaults)
  }

  @Test("the environment beats kong.conf, which beats the defaults; each says where it comes from")
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

  @Test("a variable that is set to nothing beats kong.conf, too")
  func emptyVariable() throws {
    let files = KongFiles(configuration: configuration("proxy_listen = 0.0.0.0:81\n"))
    #expect(try listeners(["KONG_PROXY_LISTEN": ""], files: files) == defaults.suffix(5))
  }

  @Test("a bad listener in kong.conf is named by file and line, with exit 78")
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
      ("control_plane", ["KONG_ADMIN_LISTEN", "KONG_CLUSTER_LISTEN"]),
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

  @Test("Kong's own list of defaults counts where it is known")
  func knownDefaults() throws {
    let text =
      "return [[\nproxy_listen = 0.0.0.0:9000\nadmin_listen = off\nstatus_listen = NONE\n]]"
    let files = KongFiles(defaults: KongDefaults(Array(text.utf8)))
    #expect(try listeners(files: files) == ["default of proxy_listen 0.0.0.0:9000"])
  }

  // MARK: what was generated

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

  @Test("after kong prepare is what was generated, with the setting as the source where one is")
  func fromGenerated() throws {
    let files = KongFiles(generated: generated([("0.0.0.0", 81), ("0.0.0.0", 80)]))
    let found = try listeners(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80 reuseport", "KONG_ADMIN_LISTEN": "0.0.0.0:82"],
      files: files)
    #expect(found == ["/p/nginx.conf:1 0.0.0.0:81", "KONG_PROXY_LISTEN 0.0.0.0:80 reuseport"])
  }

  @Test(
    "cap_net_raw is granted for a variable's transparent listener, not for one that a file of the user's has"
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

  @Test("cap_net_raw is granted neither for kong.conf nor for Kong's defaults, which the user owns")
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

  @Test("where an older kong prepare left a configuration, settings that it lacks count, too")
  func older() throws {
    let files = KongFiles(generated: generated([("0.0.0.0", 81)], isCurrent: false))
    let found = try listeners(["KONG_PROXY_LISTEN": "0.0.0.0:80"], files: files)
    #expect(found == ["/p/nginx.conf:1 0.0.0.0:81", "KONG_PROXY_LISTEN 0.0.0.0:80"])
  }

  @Test("where not all of it can be read, the settings are the best knowledge, with a warning")
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
    "kong.conf is the one that -c or --conf names, the last of them",
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
