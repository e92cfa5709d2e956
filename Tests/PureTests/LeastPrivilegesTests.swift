import Capabilities
import Plan
import Text
import Testing

@Suite("The least privileges")
struct LeastPrivilegesTests {
  private func least(
    on host: HostSnapshot, _ variables: [String: String] = ["KONG_PROXY_LISTEN": "0.0.0.0:80"]
  ) throws -> LeastPrivileges {
    let request = try Request(
      command: ["kong", "docker-start"], options: Options(),
      environment: Situation.environment(variables))
    return try Planner(request: request, snapshot: host).leastPrivileges()
  }

  @Test("for a root start are what its steps use and what nginx needs, as flags of Docker")
  func docker() throws {
    let least = try least(on: Situation.host(Situation.root()))
    #expect(
      least.dockerFlags(Situation.names)
        == "--user 0 --cap-drop ALL --cap-add CHOWN --cap-add SETGID --cap-add SETUID"
        + " --cap-add SETPCAP --cap-add NET_BIND_SERVICE --security-opt no-new-privileges")
  }

  @Test("for a root start are the same, whether it has all capabilities now or none")
  func independent() throws {
    let all = Situation.root(Situation.names.all)
    #expect(
      try least(on: Situation.host(all)) == least(on: Situation.host(Situation.root([]))))
  }

  @Test("include cap_setfcap, and a writable root file system, only if the file must be written")
  func file() throws {
    let host = Situation.host(Situation.root())
    let listen = ["KONG_PROXY_LISTEN": "0.0.0.0:80"]
    let ambient = try least(on: host, listen)
    #expect(!ambient.capabilities.contains(.setfcap) && ambient.allowsReadOnlyRoot)
    let file = try least(
      on: host, listen.merging(["ENTRYPOINT_CAP_MODE": "file"]) { $1 })
    #expect(file.capabilities.contains(.setfcap) && !file.allowsReadOnlyRoot)
  }

  @Test("for a start without a needed capability are those of the drop")
  func noNeed() throws {
    let least = try least(
      on: Situation.host(Situation.root()), ["KONG_PROXY_LISTEN": "0.0.0.0:8000"])
    #expect(least.capabilities == CapabilitySet([.chown, .setgid, .setuid, .setpcap]))
  }

  @Test("for a non-root start are cap_net_bind_service alone, if entrypoint's own file carries it")
  func ownFile() throws {
    var unheld = Situation.host(Situation.user(bounding: [], noNewPrivileges: true))
    unheld.ownFile = Situation.ownFile
    let held = Situation.host(
      Situation.user(held: Situation.set("net_bind_service")), secureExecution: true)
    for host in [unheld, held] {
      let least = try least(on: host)
      #expect(
        least.dockerFlags(Situation.names)
          == "--user 1337 --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges"
      )
      #expect(least.networkNote == nil)
      #expect(
        least.kubernetesContext(Situation.names, prefix: "/kong_prefix") == """
          # in the container
          securityContext:
            runAsUser: 1337
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            # with volumes at /kong_prefix and /tmp
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
              # counts because entrypoint's own file carries it
              add: ["NET_BIND_SERVICE"]
          """)
    }
  }

  @Test("for a non-root start are nothing where every user may bind the ports, as in containerd 2")
  func openPorts() throws {
    var host = Situation.host(Situation.user(), portStart: 0)
    host.ownFile = Situation.ownFile
    let least = try least(on: host)
    #expect(least.capabilities.isEmpty && least.unprivilegedPortStart == nil)
  }

  @Test("do not exist for a non-root start on the host's network whose entrypoint carries nothing")
  func hostsSysctl() throws {
    var host = Situation.host(Situation.user())
    host.isHostNetwork = true
    let failure = #expect(throws: StartFailure.self) { try least(on: host) }
    #expect(failure?.status == 77)
    #expect(failure?.explanation?.waysOut.contains { $0.contains("sysctl") } == false)
  }

  @Test("for a non-root start are the sysctl, which Pod Security restricted allows")
  func nonRoot() throws {
    let least = try least(on: Situation.host(Situation.user()))
    #expect(
      least.kubernetesContext(Situation.names, prefix: "/usr/local/kong") == """
        # in the pod's spec; not possible with hostNetwork: true, not needed with containerd 2
        securityContext:
          sysctls:
            - name: net.ipv4.ip_unprivileged_port_start
              value: "80"
        # in the container
        securityContext:
          runAsUser: 1337
          runAsNonRoot: true
          allowPrivilegeEscalation: false
          # with volumes at /usr/local/kong and /tmp
          readOnlyRootFilesystem: true
          capabilities:
            drop: ["ALL"]
        """)
  }

  @Test("for a non-root start come with a note that the host's network has no such sysctl")
  func hostNetwork() throws {
    let user = try least(on: Situation.host(Situation.user()))
    #expect(user.networkNote?.why.contains("--network host") == true)
    #expect(try least(on: Situation.host(Situation.root())).networkNote == nil)
    let high = try least(
      on: Situation.host(Situation.user()), ["KONG_PROXY_LISTEN": "0.0.0.0:8000"])
    #expect(high.networkNote == nil)
  }

  @Test(
    "are exact: with them the plan gives nginx all it needs, without any one of them it does not")
  func enough() throws {
    let variables = ["KONG_PROXY_LISTEN": "0.0.0.0:80 transparent"]
    let least = try least(on: Situation.host(Situation.root()), variables)
    let complete = { (given: CapabilitySet) in
      let plan = try Situation.plan(variables, on: Situation.host(Situation.root(given)))
      return plan.failure == nil && plan.warnings.isEmpty
        && plan.result?.bounding == CapabilitySet([.netBindService, .netRaw])
        && plan.launch.filter { $0.name == "give-stream" }.count == 2
    }
    #expect(try complete(least.capabilities))
    for capability in least.capabilities.members {
      #expect(try !complete(least.capabilities.subtracting(CapabilitySet(capability))))
    }
  }
}
