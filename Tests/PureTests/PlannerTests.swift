@testable import Capabilities
@testable import Kong
@testable import Plan
@testable import Text
import Testing

/// What prevents capabilities on a file, and the words for it.
enum Obstacle: String, CaseIterable {
  case readOnly = "mounted read-only"
  case noSetID = "its mount is nosuid"
  case noAttributes = "no extended attributes"
  case writable = "users other than root can write /usr/local"
  case script = "it is a script"

  var nginx: ProgramFile {
    var file = Situation.nginx
    switch self {
    case .readOnly: file.mount = [.readOnly]
    case .noSetID: file.mount = [.noSetID]
    case .noAttributes: file.supportsAttributes = false
    case .writable: file.writableComponent = "/usr/local"
    case .script:
      file.isScript = true
      // They look like what is needed, and do not count.
      file.capabilities = FileCapabilities(
        permitted: CapabilitySet(.netBindService), effective: true)
    }
    return file
  }
}

@Suite("The plan of kong docker-start")
struct PlannerTests {
  private let bind = CapabilitySet(.netBindService)

  @Test("of a root start gives nginx exactly what its listeners need, by file capability")
  func rootStart() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.root()))
    #expect(plan.failure == nil)
    #expect(plan.warnings.isEmpty)
    #expect(plan.grant == .file(bind, path: Request.defaultProxy))
    let result = try #require(plan.result)
    #expect(result.user == ProcessIDs(1337) && result.group == ProcessIDs(0))
    #expect(result.groups == [0, 33])
    #expect([result.permitted, result.effective, result.bounding] == [bind, bind, bind])
    #expect(result.inheritable.isEmpty && result.ambient.isEmpty)
    #expect(result.noNewPrivileges)
    #expect(
      plan.needs.map(\.reasons) == [
        ["KONG_PROXY_LISTEN 0.0.0.0:80", "KONG_PROXY_LISTEN 0.0.0.0:443 ssl"]
      ])
  }

  @Test("lists the steps in the order that the kernel requires")
  func order() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.root()))
    #expect(
      plan.launch.map(\.name) == [
        "give-stream", "give-stream", "set-file-capabilities", "drop-bounding", "keep-capabilities",
        "set-groups", "set-user", "set-capabilities", "set-no-new-privs", "verify",
        "remove-stale-sockets", "link-logs", "close-descriptors", "exec",
      ])
    #expect(plan.prepare.map(\.name) == ["give-prefix", "run"])
  }

  @Test("runs kong prepare as the user, with only what its nginx -t needs to bind")
  func prepare() throws {
    let plan = try Situation.plan(
      ["KONG_PREFIX": "/srv/kong", "KONG_PROXY_LISTEN": "0.0.0.0:8000"],
      on: Situation.host(Situation.root()),
      command: ["kong", "docker-start", "-c", "/etc/k.conf", "--vv"])
    guard case .run(let steps, _) = try #require(plan.prepare.last) else {
      Issue.record("the last step does not run a child")
      return
    }
    let child = steps.credentials(from: Situation.root())
    #expect(child.user == ProcessIDs(1337))
    #expect(child.permitted.isEmpty && child.ambient.isEmpty && child.bounding.isEmpty)
    #expect(child.noNewPrivileges)
    #expect(
      steps.execution?.commandLine == "kong prepare -p /srv/kong -c /etc/k.conf --vv")
    #expect(
      plan.launch.execution?.commandLine == "\(Request.defaultProxy) -p /srv/kong -c nginx.conf")
  }

  @Test("removes the file's capabilities before kong runs, and writes them again for nginx")
  func alreadyThere() throws {
    var nginx = Situation.nginx
    nginx.capabilities = FileCapabilities(permitted: bind, effective: true)
    let plan = try Situation.plan(on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(plan.prepare.map(\.name) == ["give-prefix", "remove-file-capabilities", "run"])
    #expect(plan.grant == .file(bind, path: Request.defaultProxy))
    #expect(plan.launch.contains { $0.name == "set-file-capabilities" })
    #expect(plan.result?.permitted == bind)
  }

  @Test(
    "uses what the image's file carries if it cannot be written, whatever its form",
    arguments: [[], CapabilitySet(.netBindService)])
  func carriedByImage(inheritable: CapabilitySet) throws {
    var nginx = Obstacle.readOnly.nginx
    nginx.capabilities = FileCapabilities(
      permitted: bind, inheritable: inheritable, effective: true)
    for credentials in [Situation.root(), Situation.user()] {
      let plan = try Situation.plan(on: Situation.host(credentials, proxy: .found(nginx)))
      #expect(plan.failure == nil && plan.warnings.isEmpty)
      #expect(plan.grant == .file(bind, path: Request.defaultProxy))
      #expect(plan.prepareGrant?.grant == .file(bind, path: Request.defaultProxy))
      #expect(plan.result?.permitted == bind)
      #expect(!plan.launch.contains { $0.name == "set-file-capabilities" })
    }
  }

  @Test("grants nothing without a need, and removes what the file carries")
  func noNeed() throws {
    var nginx = Situation.nginx
    let variables = ["KONG_PROXY_LISTEN": "0.0.0.0:8000"]
    let plain = try Situation.plan(variables, on: Situation.host(Situation.root()))
    #expect(plain.grant == .none && plain.result?.permitted == [])
    #expect(!plain.launch.contains { $0.name.contains("file-capabilities") })
    nginx.capabilities = FileCapabilities(permitted: bind, effective: true)
    let stripped = try Situation.plan(
      variables, on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(stripped.prepare.contains(.changeFile(.removeCapabilities(nginx))))
    #expect(stripped.result?.permitted == [])
  }

  @Test("needs nothing if the sysctl lets everybody bind, as in Docker's own network")
  func dockerNetwork() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.root(), portStart: 0))
    #expect(plan.needs.isEmpty && plan.grant == .none)
  }

  @Test(
    "uses ambient capabilities if a file cannot carry them",
    arguments: Obstacle.allCases)
  func ambient(obstacle: Obstacle) throws {
    let nginx = obstacle.nginx
    let plan = try Situation.plan(on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(plan.grant == .ambient(bind))
    #expect(plan.result?.permitted == bind && plan.result?.ambient == bind)
    #expect(plan.result?.bounding == bind)
    #expect(plan.secureExecution == false)
  }

  @Test("ends with 77 and an explanation if kong prepare could not bind a listener")
  func unmetNeed() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.user()))
    #expect(plan.failure?.status == 77 && plan.prepare.isEmpty && plan.launch.isEmpty)
    let warning = try #require(plan.failure?.explanation)
    #expect(warning.what.contains("KONG_PROXY_LISTEN 0.0.0.0:80"))
    #expect(warning.what.contains("its bind() would fail (13: Permission denied)"))
    #expect(warning.why.contains("an exec as uid 1337 loses it"))
    #expect(warning.waysOut.contains { $0.contains("ip_unprivileged_port_start=80") })
    #expect(warning.waysOut.contains { $0.contains("runAsUser: 0") })
    #expect(warning.waysOut.contains { $0.contains("setcap cap_net_bind_service=p") })
  }

  @Test("warns and continues if perhaps no listener of Kong needs the missing capability")
  func uncertainNeed() throws {
    for (variables, arguments) in [
      (["KONG_ROLE": "{vault://env/role}"], []), ([:], ["--nginx-conf", "/t"]),
    ] as [([String: String], [ByteString])] {
      var host = Situation.host(Situation.user())
      host.files.template = arguments.last
      let plan = try Situation.plan(
        variables.merging(["KONG_PROXY_LISTEN": "0.0.0.0:80"]) { $1 }, on: host,
        command: ["kong", "docker-start"] + arguments)
      #expect(plan.failure == nil)
      let said = plan.warnings.filter { $0.what.hasPrefix("cap_net_bind_service is not granted") }
      #expect(
        said.count == 1 && plan.prepareWarnings.contains(said[0]), "before kong prepare fails")
    }
  }

  @Test("says that the bounding set lacks what the container did not get")
  func bounding() throws {
    let plan = try Situation.plan(
      on: Situation.host(Situation.root(Situation.set("setuid", "setgid", "setfcap"))))
    #expect(plan.failure?.status == 77)
    let warning = try #require(plan.failure?.explanation)
    #expect(warning.why.contains("not in the bounding set"))
    #expect(warning.waysOut.contains("docker run --cap-add NET_BIND_SERVICE"))
  }

  @Test("ends with 77 if SET_CAP_* requests what is not available")
  func unmetRequest() throws {
    let plan = try Situation.plan(
      ["SET_CAP_SYS_ADMIN": "1"], on: Situation.host(Situation.root()))
    #expect(plan.failure?.status == 77)
    #expect(plan.failure?.explanation?.what.contains("SET_CAP_SYS_ADMIN") == true)
    #expect(plan.launch.isEmpty && plan.prepare.isEmpty)
  }

  @Test(
    "ends with 77 if SET_CAP_*=off forbids what a listener needs",
    arguments: ["0", "false", "NO", "off"])
  func forbidden(value: String) throws {
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80", "SET_CAP_NET_BIND_SERVICE": value],
      on: Situation.host(Situation.root()))
    #expect(plan.failure?.status == 77)
    #expect(plan.failure?.explanation?.why == "SET_CAP_NET_BIND_SERVICE forbids it")
  }

  @Test(
    "ends with 78 for a capability that the kernel does not know, and suggests at most three",
    arguments: [
      ("FOO", nil), ("NETRAW", "cap_net_raw"), ("cap_net_bnd_service", "cap_net_bind_service"),
      ("BIND_SERVICE", "cap_net_bind_service"),
      ("SYS", "cap_sys_module, cap_sys_rawio, cap_sys_chroot"),
    ] as [(String, String?)])
  func unknownCapability(name: String, similar: String?) throws {
    let plan = try Situation.plan(
      ["SET_CAP_\(name)": "1"], on: Situation.host(Situation.root()))
    #expect(plan.failure?.status == 78)
    let text = try #require(plan.failure?.explanation)
    #expect(text.what == "SET_CAP_\(name): there is no capability \"\(name)\"")
    #expect(
      text.why
        == "this kernel knows no capability of this name"
        + (similar.map { "; similar: \($0)" } ?? "")
    )
  }

  @Test("ends with 127 without nginx, with 126 if it cannot be executed")
  func missingProxy() throws {
    let absent = try Situation.plan(on: Situation.host(Situation.root(), proxy: .absent))
    #expect(absent.failure?.status == 127)
    let broken = try Situation.plan(
      on: Situation.host(
        Situation.root(), proxy: .notExecutable(path: "/x", reason: "it is a directory")))
    #expect(broken.failure?.status == 126)
  }

  @Test("without kong on PATH suggests no full path, which would not be a start of Kong")
  func missingKong() throws {
    var host = Situation.host(Situation.root())
    host.command = .absent
    let plan = try Situation.plan(on: host)
    #expect(plan.failure?.status == 127)
    let ways = [
      "put the directory of kong on PATH",
      "use an image with Kong in it: FROM kong:3.9 in the Dockerfile",
    ]
    #expect(plan.failure?.explanation?.waysOut == ways)
    let reload = try Situation.plan(on: host, command: ["kong", "reload"])
    #expect(reload.failure?.explanation?.waysOut == ways)
  }

  @Test("with a directory in nginx's place suggests another path, and no chmod")
  func directoryAsProxy() throws {
    let plan = try Situation.plan(
      ["ENTRYPOINT_PROXY": "/opt"],
      on: Situation.host(Situation.root(), proxy: .notRegular(path: "/opt")))
    #expect(plan.failure?.status == 126)
    #expect(
      plan.failure?.explanation
        == Explanation(
          what: "cannot execute /opt", why: "it is not a regular file",
          waysOut: [
            "give the path of nginx with --proxy PATH or ENTRYPOINT_PROXY",
            "leave it out: the default is \(Request.defaultProxy)",
          ]))
  }

  @Test(
    "ends with 78 for a prefix among the arguments, because nginx would not get it",
    arguments: ["-p /srv/x", "--vv --prefix /srv/x", "--prefix=/srv/x", "-p/srv/x"])
  func prefixArgument(arguments: String) throws {
    let words = arguments.split(separator: " ").map { ByteString(String($0)) }
    let plan = try Situation.plan(
      on: Situation.host(Situation.root()), command: ["kong", "docker-start"] + words)
    #expect(plan.failure?.status == 78)
    #expect(plan.failure?.explanation?.what.contains("KONG_PREFIX") == true)
    #expect(plan.prepare.isEmpty && plan.launch.isEmpty)
  }

  @Test("rejects a prefix that contains nginx, a directory above it, or entrypoint itself")
  func programsInPrefix() throws {
    var host = Situation.host(Situation.root())
    host.ownPath = "/srv/own/entrypoint"
    host.proxy = .found(ProgramFile(path: "/srv/nginx/sbin/nginx"))
    for (prefix, proxy) in [
      ("/srv/own", "/n"), ("/srv/nginx", "/n"), ("/srv/link", "/srv/link/nginx"),
    ] {
      let variables = ["KONG_PREFIX": prefix, "ENTRYPOINT_PROXY": proxy]
      let failure = try Situation.plan(variables, on: host).failure
      #expect(failure?.status == 78)
      #expect(failure?.explanation?.why.contains("is in it, so Kong's user could") == true)
    }
    let fine = ["KONG_PREFIX": "/srv/kong", "ENTRYPOINT_PROXY": "/n"]
    #expect(try Situation.plan(fine, on: host).failure == nil)
  }

  @Test(
    "ends with 78 for a -c that the user cannot read, unless its prefix or a hook may provide the file"
  )
  func unreadableConfiguration() throws {
    var host = Situation.host(Situation.root())
    host.denials = [.readingConfiguration("Permission denied")]
    let failure = { (path: ByteString) in
      try Situation.plan(
        ["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host,
        command: ["kong", "docker-start", "-c", path]
      ).failure
    }
    let found = try #require(try failure("/etc/k.conf"))
    #expect(found.status == 78)
    #expect(found.explanation?.what.hasPrefix("kong (1337:0) cannot read /etc/k.conf") == true)
    #expect(found.explanation?.why == "Permission denied")
    #expect(try failure("/usr/local/kong/k.conf") == nil)
    let hook = PathEntry(
      path: "/docker-entrypoint.d/10-configure", kind: .other, uid: 0, gid: 0, mode: 0o755,
      isReadOnly: false)
    host.hooks = HookDirectory(files: [HookFile(name: "10-configure", resolvedEntries: [hook])])
    #expect(try failure("/etc/k.conf") == nil)
  }

  @Test("rejects a set-user-ID nginx")
  func setID() throws {
    var nginx = Situation.nginx
    nginx.isSetID = true
    let plan = try Situation.plan(on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(plan.failure?.status == 78)
  }

  @Test(
    "ends with 77 and the reason if the requested mode cannot work, though another could",
    arguments: Obstacle.allCases)
  func mode(obstacle: Obstacle) throws {
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80", "ENTRYPOINT_CAP_MODE": "file"],
      on: Situation.host(Situation.root(), proxy: .found(obstacle.nginx)))
    #expect(plan.failure?.status == 77)
    #expect(plan.failure?.explanation?.why.contains(obstacle.rawValue) == true)
    #expect(
      plan.failure?.explanation?.waysOut.contains("leave out ENTRYPOINT_CAP_MODE=file") == true)
  }

  @Test("removes file capabilities in the way of ambient ones, or says that it cannot")
  func ambientOverFile() throws {
    var nginx = Situation.nginx
    nginx.capabilities = FileCapabilities(permitted: CapabilitySet(.netRaw), effective: true)
    let variables = ["KONG_PROXY_LISTEN": "0.0.0.0:80", "ENTRYPOINT_CAP_MODE": "ambient"]
    let plan = try Situation.plan(
      variables, on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(plan.grant == .ambient(bind))
    #expect(plan.prepare.contains(.changeFile(.removeCapabilities(nginx))))
    nginx.mount = [.readOnly]
    let stuck = try Situation.plan(
      variables, on: Situation.host(Situation.root(), proxy: .found(nginx)))
    #expect(stuck.failure?.status == 77)
    #expect(stuck.failure?.explanation?.why.contains("clear ambient capabilities at exec") == true)
  }

  @Test("grants nothing if the network namespace belongs to another user namespace, and says so")
  func foreignNetwork() throws {
    var host = Situation.host(Situation.root())
    host.ownsNetwork = false
    let plan = try Situation.plan(on: host)
    let failure = try #require(plan.failure?.explanation)
    #expect(failure.why.contains("belongs to another user namespace"))
    #expect(!failure.waysOut.contains { $0.contains("--sysctl") })
  }

  @Test("warns if everything runs as root because of --user")
  func rootByRequest() throws {
    var options = Options()
    options.user = "root"
    let plan = try Situation.plan(on: Situation.host(Situation.root()), options: options)
    #expect(plan.failure == nil && plan.result?.user == ProcessIDs(0))
    #expect(plan.warnings.map(\.what) == ["kong prepare and nginx run as root"])
  }

  @Test("of a non-root start changes no user, and cuts nothing that it does not hold")
  func nonRoot() throws {
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: Situation.host(Situation.user()))
    #expect(
      plan.launch.map(\.name) == [
        "verify", "remove-stale-sockets", "link-logs", "close-descriptors", "exec",
      ])
    #expect(plan.prepare.map(\.name) == ["run"])
    #expect(plan.result == Situation.user())
  }

  @Test("keeps what is ambient already, as in podman run --user --cap-add")
  func alreadyAmbient() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.user(ambient: bind)))
    #expect(plan.failure == nil && plan.warnings.isEmpty && plan.grant == .none)
    #expect(plan.result?.permitted == bind && plan.result?.effective == bind)
  }

  @Test("of a non-root start raises to ambient what the entrypoint's own file provides")
  func ownFile() throws {
    let host = Situation.host(
      Situation.user(held: Situation.set("net_bind_service", "net_raw")), secureExecution: true)
    let plan = try Situation.plan(on: host)
    #expect(plan.grant == .ambient(bind))
    #expect(plan.result?.permitted == bind)
    #expect(plan.result?.noNewPrivileges == true)
  }

  @Test("passes on nothing from the entrypoint's own file to what the user could have chosen")
  func ownFileIsNoWayToGain() throws {
    let held = Situation.user(held: Situation.set("net_bind_service", "net_raw"))
    let host = Situation.host(held, secureExecution: true)
    let asked = try Situation.plan(
      ["SET_CAP_NET_RAW": "1", "KONG_PROXY_LISTEN": "0.0.0.0:8000"], on: host)
    #expect(asked.failure?.status == 77)
    var options = Options()
    options.proxy = "/bin/sh"
    #expect(try Situation.plan(on: host, options: options).failure?.status == 77)
    options = Options()
    options.capabilities = ["net_raw"]
    let other = try Situation.plan([:], on: host, command: ["sh"], options: options)
    #expect(other.failure?.status == 77)
    var nginx = Situation.nginx
    nginx.writableComponent = "/usr/local/openresty"
    let writable = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80, 0.0.0.0:9000 transparent"],
      on: Situation.host(held, proxy: .found(nginx), secureExecution: true))
    #expect(writable.result?.permitted == CapabilitySet(.netBindService))
  }

  @Test("gives away a stream only if the user cannot write it, and never a shared device")
  func streams() throws {
    let kinds: [(StandardStream.Kind, UInt32, Bool)] = [
      (.pipe, 0o600, true), (.terminal, 0o620, true), (.file, 0o644, true), (.pipe, 0o666, false),
      (.socket, 0o600, false), (.otherDevice, 0o600, false), (.closed, 0, false),
    ]
    for (kind, mode, isGiven) in kinds {
      let stream = StandardStream(descriptor: 1, kind: kind, gid: 5, mode: mode)
      let plan = try Situation.plan(on: Situation.host(Situation.root(), streams: [stream]))
      let given = Step.changeFile(.giveStream(stream, to: 1337))
      #expect(plan.launch.contains(given) == isGiven, "\(kind)")
    }
  }

  @Test("sets KONG_NGINX_DAEMON=off unless it is set, and HOME")
  func environment() throws {
    let plan = try Situation.plan([:], on: Situation.host(Situation.root()))
    #expect(
      plan.launch.execution?.environment == [
        EnvironmentChange(name: "HOME", value: .text("/home/kong")),
        EnvironmentChange(name: "KONG_NGINX_DAEMON", value: .text("off")),
      ])
    let set = try Situation.plan(
      ["KONG_NGINX_DAEMON": "on"], on: Situation.host(Situation.root()))
    #expect(set.launch.execution?.environment.map(\.name) == ["HOME"])
  }
}

@Suite("The plan of any other command")
struct CommandPlanTests {
  @Test("is its exec, unchanged, whatever SET_CAP_* and bad listeners are in the environment")
  func plain() throws {
    let plan = try Situation.plan(
      ["SET_CAP_NET_RAW": "1", "KONG_PROXY_LISTEN": "nonsense"],
      on: Situation.host(Situation.root()), command: ["sh", "-c", "x"])
    #expect(plan.failure == nil)
    #expect(plan.launch.map(\.name) == ["exec"])
    #expect(plan.launch.execution?.arguments == ["sh", "-c", "x"])
    #expect(plan.result?.permitted == Situation.dockerDefault)
  }

  @Test("drops to --user and keeps what --cap names, as ambient capabilities")
  func userAndCapability() throws {
    var options = Options()
    options.user = "web"
    options.capabilities = ["NET_RAW"]
    let plan = try Situation.plan(
      [:], on: Situation.host(Situation.root()), command: ["ping"], options: options)
    #expect(plan.grant == .ambient(CapabilitySet(.netRaw)))
    #expect(plan.result?.user == ProcessIDs(33))
    #expect(plan.result?.effective == CapabilitySet(.netRaw))
    #expect(!plan.launch.contains { $0.name == "set-file-capabilities" })
  }

  @Test("ends with 64 without a command")
  func noCommand() throws {
    let plan = try Situation.plan([:], on: Situation.host(Situation.root()), command: [])
    #expect(plan.failure?.status == 64)
    #expect(plan.failure?.explanation?.why.contains("no CMD") == true)
  }

  @Test("is a start of Kong only for `kong docker-start`: with a path there is a warning")
  func kongByPath() throws {
    let host = Situation.host(Situation.root())
    for (command, isWarned) in [
      (["/usr/local/bin/kong", "docker-start"], true), (["bin/kong", "docker-start", "-v"], true),
      (["/bin/hongkong", "docker-start"], false), (["sh", "docker-start"], false),
    ] as [([ByteString], Bool)] {
      let plan = try Situation.plan([:], on: host, command: command)
      #expect(plan.launch.map(\.name) == ["exec"])
      #expect(plan.warnings.count == (isWarned ? 1 : 0))
      let wayOut = plan.warnings.first?.waysOut.first
      #expect(wayOut?.hasPrefix("write: kong docker-start") ?? !isWarned)
    }
  }

  @Test("for Kong runs as kong; there is a warning only if it would run as root")
  func kongAsRoot() throws {
    let root = Situation.host(Situation.root())
    let user = Situation.host(Situation.user())
    for name in ["kong", "/usr/local/bin/kong"] as [ByteString] {
      let command = [name, "migrations", "up"]
      let asked = name == "kong" ? ["ENTRYPOINT_USER": "root"] : [:]
      let plan = try Situation.plan(asked, on: root, command: command)
      #expect(plan.warnings.map(\.what) == ["the kong command runs as root"])
      #expect(plan.failure == nil)
      let dropped = try Situation.plan(["ENTRYPOINT_USER": "kong"], on: root, command: command)
      #expect(dropped.warnings.isEmpty && dropped.result?.user == ProcessIDs(1337))
      #expect(try Situation.plan([:], on: user, command: command).warnings.isEmpty)
    }
    let named = try Situation.plan([:], on: root, command: ["kong", "version"])
    #expect(named.warnings.isEmpty && named.user?.name == "kong")
    #expect(try Situation.plan([:], on: root, command: ["sh"]).warnings.isEmpty)
  }

  @Test("for Kong can exec nginx whatever its file carries, and can bind if it needs to")
  func kongInRunningContainer() throws {
    var nginx = Situation.nginx
    let bind = CapabilitySet(.netBindService)
    for carried in [nil, FileCapabilities(permitted: bind, effective: true)] {
      nginx.capabilities = carried
      let host = Situation.host(Situation.root(), proxy: .found(nginx))
      for (name, binds) in [("health", false), ("version", false), ("reload", true)] {
        let plan = try Situation.plan(
          ["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: host, command: ["kong", ByteString(name)])
        #expect(plan.failure == nil && plan.warnings.isEmpty)
        #expect(!plan.launch.contains { $0.name.contains("file-capabilities") })
        let before = plan.launch.credentials(from: Situation.root())
        #expect(before.user == ProcessIDs(1337))
        let last = Situation.nginxOfKong(before, nginx)
        #expect(last?.effective.contains(.netBindService) == binds)
      }
    }
  }

  @Test("for Kong that could not bind a listener says so, and how root can")
  func reloadWithoutCapability() throws {
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: Situation.host(Situation.user()),
      command: ["kong", "reload"])
    #expect(plan.failure?.status == 77)
    #expect(
      plan.failure?.explanation?.waysOut.first?.contains(
        "docker exec --user 0 CONTAINER entrypoint kong reload") == true)
  }

  @Test("whose name has blanks, and does not exist, must be written as words")
  func blank() throws {
    var host = Situation.host(Situation.root())
    host.command = .absent
    let plan = try Situation.plan([:], on: host, command: ["kong docker-start"])
    #expect(plan.failure?.status == 127)
    #expect(
      plan.failure?.explanation?.waysOut == [
        #"write each word by itself: CMD ["kong", "docker-start"], Kubernetes args: ["kong", "docker-start"]"#
      ])
  }
}

@Suite("Every plan, in random situations")
struct PlanPropertyTests {
  @Test("never gives a user other than root more than was needed and held, nor keeps a set open")
  func leastPrivilege() throws {
    var random = SeededGenerator(state: 7)
    var possible = 0
    let rounds = rounds(8_000)
    for _ in rounds {
      let host = RandomSituation.host(using: &random)
      let plan = try Situation.plan(RandomSituation.variables(using: &random), on: host)
      guard plan.failure == nil, let result = plan.result else { continue }
      guard result.user.effective != 0 else { continue }
      possible += 1
      let needed = CapabilitySet(plan.needs.map(\.capability))
      #expect(result.permitted.isSubset(of: needed))
      #expect(result.effective == result.permitted)
      #expect(result.ambient.isSubset(of: needed) && result.inheritable.isSubset(of: needed))
      #expect(
        result.permitted.isSubset(of: host.credentials.permitted.union(host.credentials.bounding)))
      #expect(!result.user.includesRoot)
      if host.credentials.user.effective == 0 { #expect(result.noNewPrivileges) }
      // What is not granted is explained.
      let explained = plan.warnings.filter { $0.what.contains(" is not granted, ") }
      #expect(explained.count >= needed.subtracting(result.permitted).members.count)
      // The last program of kong prepare can bind every known listener.
      if needed.contains(.netBindService), case .run(let steps, _)? = plan.prepare.last {
        let proxy =
          plan.prepare.contains { $0.name == "remove-file-capabilities" }
          ? Situation.nginx : Situation.nginx(of: host)
        let last = Situation.nginxOfKong(steps.credentials(from: host.credentials), proxy)
        #expect(last?.effective.contains(.netBindService) == true)
        if host.credentials.user.effective == 0 {
          #expect(last?.permitted == CapabilitySet(.netBindService))
        }
      }
      // The steps lead to the state that the result was computed from.
      let before = plan.launch.credentials(from: host.credentials)
      #expect(plan.launch.contains(.verify(before)))
    }
    #expect(possible * 4 > rounds.count)
  }
}

enum RandomSituation {
  static func host(using random: inout SeededGenerator) -> HostSnapshot {
    let interesting = Situation.set(
      "chown", "setgid", "setuid", "setpcap", "net_bind_service", "net_raw", "setfcap")
    let some = { (random: inout SeededGenerator) in
      CapabilitySet(rawValue: random.next() & random.next() | random.next())
        .intersection(interesting)
    }
    let bounding = some(&random).union(some(&random))
    let isRoot = Bool.random(using: &random)
    var credentials =
      isRoot ? Situation.root(bounding) : Situation.user(held: some(&random), bounding: bounding)
    if isRoot, !Bool.random(using: &random) {
      credentials.permitted.formIntersection(some(&random))
    }
    if isRoot { credentials.effective = credentials.permitted }
    credentials.noNewPrivileges = Int.random(in: 0..<4, using: &random) == 0
    var nginx = Situation.nginx
    if Int.random(in: 0..<3, using: &random) == 0 {
      nginx.capabilities = FileCapabilities(
        permitted: some(&random), effective: Bool.random(using: &random))
    }
    nginx.mount = MountOptions(
      rawValue: UInt8.random(in: 0...3, using: &random) & UInt8.random(in: 0...3, using: &random))
    nginx.supportsAttributes = Int.random(in: 0..<4, using: &random) != 0
    return Situation.host(
      credentials, proxy: .found(nginx), secureExecution: !isRoot && !credentials.permitted.isEmpty)
  }

  static func variables(using random: inout SeededGenerator) -> [String: String] {
    var variables: [String: String] = [:]
    variables["KONG_PROXY_LISTEN"] = ["0.0.0.0:80", "0.0.0.0:8000", "0.0.0.0:443 transparent"]
      .randomElement(using: &random)
    if Int.random(in: 0..<5, using: &random) == 0 { variables["SET_CAP_NET_RAW"] = "1" }
    if Int.random(in: 0..<5, using: &random) == 0 { variables["SET_CAP_NET_BIND_SERVICE"] = "no" }
    variables["ENTRYPOINT_CAP_MODE"] = ["auto", "auto", "file", "ambient"]
      .randomElement(using: &random)
    return variables
  }
}
