import Capabilities
import Plan
import Text
import Foundation
import Testing

@Suite("A start that cannot have everything it needs")
struct ShortfallTests {
  private let bind = CapabilitySet(.netBindService)

  @Test("names all missing flags of a root that may not change the user, once, and works with them")
  func cannotDrop() throws {
    let plan = try Situation.plan(on: Situation.host(Situation.root([])))
    #expect(plan.failure?.status == 77)
    let flags = ["CHOWN", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE"]
    #expect(
      plan.failure?.explanation?.waysOut.first
        == "docker run " + flags.map { "--cap-add \($0)" }.joined(separator: " "))
    let given = CapabilitySet(flags.compactMap(Situation.names.capability(named:)))
    #expect(
      plan.failure?.explanation?.waysOut.last
        == "start the container as that user: docker run --user 1337:0, runAsUser: 1337")
    let enough = try Situation.plan(on: Situation.host(Situation.root(given)))
    #expect(enough.failure == nil && enough.warnings.isEmpty)
    #expect(enough.result?.permitted == bind)
  }

  @Test("ends for a root without capabilities on a kernel that names none, too")
  func withoutNames() throws {
    var host = Situation.host(Situation.root([]))
    host.capabilityNames = CapabilityNames([])
    let failure = try #require(try Situation.plan(on: host).failure)
    #expect(failure.status == 77)
    #expect(failure.explanation?.what == "cannot change to user kong (1337:0)")
  }

  @Test("warns of streams that nginx cannot open, unless no link leads there")
  func streams() throws {
    let pipe = StandardStream(descriptor: 1, kind: .pipe)
    let socket = StandardStream(descriptor: 2, kind: .socket)
    let noChown = Situation.root(Situation.dockerDefault.subtracting(Situation.set("chown")))
    let said = { (who: Credentials, streams: [StandardStream], variables: [String: String]) in
      try Situation.plan(variables, on: Situation.host(who, streams: streams)).launchWarnings
    }
    #expect(try said(Situation.root(), [pipe], [:]).isEmpty)
    let both = try #require(try said(noChown, [pipe, socket], [:]).first)
    #expect(both.what.contains("/dev/stdout and /dev/stderr"))
    #expect(both.what.hasSuffix("open() failed (13: Permission denied)"))
    #expect(both.why.contains("stdout is a pipe of uid 0, mode 0600; stderr is a socket"))
    #expect(both.waysOut.first == "docker run --cap-add CHOWN")
    let alone = try #require(try said(Situation.user(), [socket], [:]).first)
    #expect(alone.what.hasSuffix("open() failed (6: No such device or address)"))
    #expect(!alone.waysOut.contains { $0.contains("CHOWN") || $0.contains("--user 0") })
    let user = try #require(try said(Situation.user(), [pipe], [:]).first)
    #expect(
      user.waysOut.first?.hasPrefix("start as root with cap_chown (docker run --user 0") == true)
    #expect(try said(noChown, [pipe, socket], ["ENTRYPOINT_LOG_LINKS": "off"]).isEmpty)
  }

  @Test("gives away the streams with --user and for each kong command, too, and warns if it cannot")
  func streamsOfOtherCommands() throws {
    let streams = [StandardStream(descriptor: 2, kind: .pipe)]
    let noChown = Situation.root(Situation.dockerDefault.subtracting(Situation.set("chown")))
    var options = Options()
    options.user = "kong"
    let plan = { (who: Credentials, command: [ByteString], options: Options) in
      try Situation.plan(
        [:], on: Situation.host(who, streams: streams), command: command, options: options)
    }
    let given = Step.changeFile(.giveStream(streams[0], to: 1337))
    let server = try plan(Situation.root(), ["nginx"], options)
    #expect(server.launch.first == given && server.warnings.isEmpty)
    #expect(try plan(Situation.root(), ["kong", "health"], Options()).launch.first == given)
    let unchanged = try plan(Situation.root(), ["nginx"], Options())
    #expect(unchanged.launch.map(\.name) == ["exec"])
    let warning = try #require(try plan(noChown, ["nginx"], options).launchWarnings.first)
    #expect(
      warning.what == "nginx cannot open /dev/stderr as kong (1337:0) (13: Permission denied)")
    #expect(warning.waysOut.first == "docker run --cap-add CHOWN")
    let health = try plan(noChown, ["kong", "health"], Options())
    #expect(health.launchWarnings.isEmpty && health.notes.count == 1)
  }

  @Test("suggests a setcap on entrypoint's own file only together with what it needs to work")
  func ownFileWithoutBounding() throws {
    let outside = Situation.user(bounding: [])
    let warning = try #require(
      try Situation.plan(on: Situation.host(outside)).failure?.explanation)
    let setcap = warning.waysOut.filter { $0.contains("setcap") }
    #expect(setcap.count == 1 && setcap[0].contains("and docker run --cap-add NET_BIND_SERVICE"))
  }

  @Test(
    "names everything that a root start without capabilities lacks, and that is enough")
  func fromNothing() throws {
    let way = try #require(
      try Situation.plan(on: Situation.host(Situation.user(bounding: []))).failure?.explanation?
        .waysOut.first { $0.contains("--user 0") })
    let names = way.components(separatedBy: "--cap-add ").dropFirst().map {
      String($0.prefix { $0 != " " && $0 != ":" }).lowercased()
    }
    #expect(names == ["chown", "setgid", "setuid", "setpcap", "net_bind_service"])
    let given = CapabilitySet(names.compactMap { Situation.set($0).members.first })
    let plan = try Situation.plan(on: Situation.host(Situation.root(given)))
    #expect(plan.failure == nil && plan.warnings.isEmpty)
  }

  @Test("says under no_new_privs what entrypoint's own file lacks, or which engine makes it count")
  func underNoNewPrivileges() throws {
    var host = Situation.host(Situation.user(noNewPrivileges: true))
    let without = try #require(try Situation.plan(on: host).failure?.explanation)
    #expect(
      without.why.hasSuffix("unless the program's file carries it, which entrypoint's does not"))
    #expect(
      without.waysOut.first
        == "in the image: setcap cap_net_bind_service=p on entrypoint's own file, and docker run"
        + " --cap-add NET_BIND_SERVICE; Kubernetes: capabilities.add: [\"NET_BIND_SERVICE\"]")
    host.ownFile = Situation.ownFile
    let with = try #require(try Situation.plan(on: host).failure?.explanation)
    #expect(with.why.hasSuffix("Docker since 24.0.6 and containerd do, podman only with --cap-add"))
    #expect(with.waysOut.first?.hasPrefix("docker run --cap-add NET_BIND_SERVICE;") == true)
    #expect(!with.waysOut.contains { $0.contains("setcap") })
  }

  @Test("names no sysctl and no port mapping on the host's network, which has neither")
  func hostNetwork() throws {
    var host = Situation.host(Situation.user())
    host.isHostNetwork = true
    let said = try #require(try Situation.plan(on: host).failure?.explanation)
    #expect(!said.waysOut.contains { $0.contains("sysctl") || $0.contains("map the port") })
    #expect(said.waysOut.count == 3)
  }

  @Test("lets no_new_privs withhold capabilities of nginx's file that nothing needs")
  func carried() throws {
    var nginx = Situation.nginx
    nginx.capabilities = FileCapabilities(permitted: bind, effective: true)
    let plan = { (bounding: CapabilitySet, variables: [String: String]) in
      try Situation.plan(
        variables.merging(["KONG_PROXY_LISTEN": "0.0.0.0:8000"]) { $1 },
        on: Situation.host(Situation.user(bounding: bounding), proxy: .found(nginx)))
    }
    let kept = try plan(Situation.dockerDefault, [:])
    #expect(kept.failure == nil && kept.warnings.isEmpty)
    #expect(kept.result?.noNewPrivileges == true && kept.result?.permitted == [])
    let off = try plan(Situation.dockerDefault, ["ENTRYPOINT_NO_NEW_PRIVS": "off"])
    #expect(off.failure?.status == 77)
    #expect(off.failure?.explanation?.why.contains("cap_net_bind_service") == true)
    #expect(off.failure?.explanation?.waysOut.first == "leave out ENTRYPOINT_NO_NEW_PRIVS=off")
    let refused = try plan([], [:])
    #expect(refused.failure?.explanation?.why.contains("not in the bounding set") == true)
    #expect(
      refused.failure?.explanation?.waysOut.first == "docker run --cap-add NET_BIND_SERVICE")
  }

  @Test(
    "says that nginx's file carries more than the listeners need, and how to repair it"
  )
  func superset() throws {
    var nginx = Obstacle.readOnly.nginx
    nginx.capabilities = FileCapabilities(
      permitted: Situation.set("net_bind_service", "net_raw"), effective: true)
    for credentials in [Situation.user(), Situation.root()] {
      let plan = try Situation.plan(on: Situation.host(credentials, proxy: .found(nginx)))
      #expect(plan.failure?.status == 77)
      let said = try #require(plan.failure?.explanation)
      #expect(said.why.hasPrefix("\(nginx.path) carries cap_net_bind_service,cap_net_raw"))
      #expect(said.waysOut.contains { $0.contains("setcap cap_net_bind_service=ep \(nginx.path)") })
    }
  }

  @Test("names the user that a root start would drop to")
  func dropOfRoot() throws {
    let ways = { (uid: UInt32) in
      try Situation.plan(on: Situation.host(Situation.user(uid))).failure?.explanation?.waysOut
        ?? []
    }
    #expect(
      try ways(1337).contains("docker run --user 0: entrypoint drops to the user kong itself"))
    let other =
      "docker run --user 0 --env ENTRYPOINT_USER=1000: entrypoint drops to that user itself"
    #expect(try ways(1000).contains(other))
    #expect(
      try ways(1000).contains(
        "Kubernetes: runAsUser: 0, env ENTRYPOINT_USER=1000; allowPrivilegeEscalation can stay false"
      ))
    var options = Options()
    options.capabilities = ["net_raw"]
    let command = try Situation.plan(
      [:], on: Situation.host(Situation.user(1000)), command: ["id"], options: options)
    #expect(command.failure?.explanation?.waysOut.first == other)
  }

  @Test("names no user for the root start of any kong command whose user is kong")
  func dropOfKongCommand() throws {
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80"], on: Situation.host(Situation.user()),
      command: ["kong", "reload"])
    let ways = plan.failure?.explanation?.waysOut ?? []
    #expect(ways.contains("docker run --user 0: entrypoint drops to the user kong itself"))
    #expect(!ways.contains { $0.contains("ENTRYPOINT_USER") })
  }

  @Test("names each setting to change where one alone does not suffice, in the mode file")
  func modeFile() throws {
    let variables = ["KONG_PROXY_LISTEN": "0.0.0.0:80", "ENTRYPOINT_CAP_MODE": "file"]
    let user = try Situation.plan(variables, on: Situation.host(Situation.user()))
    #expect(
      user.failure?.explanation?.waysOut.first
        == "in the image: setcap cap_net_bind_service=p on entrypoint's own file, and leave out"
        + " ENTRYPOINT_CAP_MODE=file")
    let writable = try Situation.plan(
      variables, on: Situation.host(Situation.root(), proxy: .found(Obstacle.writable.nginx)))
    #expect(
      writable.failure?.explanation?.waysOut.prefix(2) == [
        "leave out ENTRYPOINT_CAP_MODE=file",
        "in the image: let only root own and write \(Situation.nginx.path), and each directory above it",
      ])
  }

  @Test("names the condition that keeps capabilities of entrypoint's own file from being passed on")
  func ownFile() throws {
    let held = Situation.user(held: Situation.set("net_bind_service", "net_raw"))
    let nginx = Situation.nginx
    let said = { (variables: [String: String]) in
      let plan = try Situation.plan(
        variables.merging(["KONG_PROXY_LISTEN": "0.0.0.0:8000 transparent"]) { $1 },
        on: Situation.host(held, proxy: .found(nginx), secureExecution: true))
      return try #require(plan.failure?.explanation ?? plan.launchWarnings.first)
    }
    let proxy = try said(["ENTRYPOINT_PROXY": "/opt/nginx"])
    #expect(proxy.why.hasSuffix("passes on only to \(Request.defaultProxy)"))
    #expect(proxy.waysOut.first == "leave out ENTRYPOINT_PROXY=/opt/nginx")
    let asked = try said(["SET_CAP_CHOWN": "1"])
    #expect(asked.why.hasSuffix("passes on only what Kong's listeners need"))
    #expect(asked.waysOut.contains("leave out SET_CAP_CHOWN"))
    let raw = try said([:])
    #expect(raw.why.contains("passes on only cap_net_bind_service"))
    #expect(raw.waysOut.first?.hasPrefix("docker run --user 0") == true)
  }

  @Test("names the option if that, and not the variable, chooses the mode")
  func mode() throws {
    var options = Options()
    options.mode = .file
    let plan = try Situation.plan(
      ["KONG_PROXY_LISTEN": "0.0.0.0:80", "ENTRYPOINT_CAP_MODE": "ambient"],
      on: Situation.host(Situation.root(), proxy: .found(Obstacle.readOnly.nginx)),
      options: options)
    #expect(plan.failure?.explanation?.waysOut.first == "leave out --cap-mode file")
  }
}
