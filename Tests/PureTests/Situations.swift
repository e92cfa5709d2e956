import Capabilities
import Kong
import Plan
import Text
import Foundation

/// Machines and starts in the states that the engines make (in the terms of capabilities(7)), for
/// tests.
enum Situation {
  static let names = CapabilityNames([
    "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill",
    "cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service",
    "cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner",
    "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct",
    "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource", "cap_sys_time",
    "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control",
    "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm",
    "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
  ])

  /// What Docker gives root by default.
  static let dockerDefault = set(
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap")

  static func set(_ names: String...) -> CapabilitySet {
    CapabilitySet(names.compactMap(Situation.names.capability(named:)))
  }

  static func root(_ capabilities: CapabilitySet = dockerDefault) -> Credentials {
    Credentials(
      user: ProcessIDs(0), group: ProcessIDs(0), groups: [0], permitted: capabilities,
      effective: capabilities, bounding: capabilities)
  }

  static func user(
    _ uid: UInt32 = 1337, held: CapabilitySet = [], ambient: CapabilitySet = [],
    bounding: CapabilitySet = dockerDefault, noNewPrivileges: Bool = false
  ) -> Credentials {
    Credentials(
      user: ProcessIDs(uid), group: ProcessIDs(0), groups: [0], permitted: held.union(ambient),
      effective: ambient, inheritable: ambient, ambient: ambient, bounding: bounding,
      noNewPrivileges: noNewPrivileges)
  }

  static let kong = Account(name: "kong", uid: 1337, gid: 0, home: "/home/kong")

  static let accounts = Accounts(
    users: [
      Account(name: "root", uid: 0, gid: 0, home: "/root"), kong,
      Account(name: "web", uid: 33, gid: 33, home: ""),
    ],
    groups: [
      AccountGroup(name: "root", gid: 0, members: []),
      AccountGroup(name: "web", gid: 33, members: ["kong", "other"]),
      AccountGroup(name: "4000", gid: 44, members: []),
    ])

  static let nginx = ProgramFile(path: Request.defaultProxy)

  /// Entrypoint's own file as docker/Dockerfile makes it.
  static let ownFile = ProgramFile(
    path: "/usr/local/bin/entrypoint",
    capabilities: FileCapabilities(permitted: set("net_bind_service"), effective: false))

  /// nginx's file on a machine.
  static func nginx(of host: HostSnapshot) -> ProgramFile {
    if case .found(let file)? = host.proxy { file } else { nginx }
  }

  /// The capabilities of the nginx that a `kong` command starts through a shell, after nginx has
  /// run the command itself; nil if one of these cannot be exec'd.
  static func nginxOfKong(_ start: Credentials, _ nginx: ProgramFile) -> Credentials? {
    var file = nginx.mount.contains(.noSetID) ? nil : nginx.capabilities
    file?.rootID = nil
    var state = start
    for capabilities in [nil, file, nil, file] {
      guard case .runs(let next, _, _) = credentialsAfterExec(state, file: capabilities) else {
        return nil
      }
      state = next
    }
    return state
  }

  static func host(
    _ credentials: Credentials, proxy: ProgramLookup = .found(nginx), portStart: Int = 1024,
    secureExecution: Bool = false,
    streams: [StandardStream]? = nil
  ) -> HostSnapshot {
    // The engines give them to the container's first user.
    let pipes = [Int32(1), 2].map {
      StandardStream(
        descriptor: DescriptorNumber($0), kind: .pipe,
        identity: FileIdentity(device: 1, inode: UInt64($0)),
        uid: credentials.user.effective)
    }
    return HostSnapshot(
      credentials: credentials, secureExecution: secureExecution, capabilityNames: names,
      accounts: accounts, unprivilegedPortStart: portStart,
      command: .found(ProgramFile(path: "/usr/local/bin/kong")), proxy: proxy,
      streams: streams ?? pipes)
  }

  static func environment(_ variables: [String: String]) -> Environment {
    Environment(
      variables.sorted { $0.key < $1.key }.map {
        Environment.Variable(name: $0.key, value: ByteString($0.value))
      })
  }

  static func plan(
    _ variables: [String: String] = ["KONG_PROXY_LISTEN": "0.0.0.0:80, 0.0.0.0:443 ssl"],
    on host: HostSnapshot, command: [ByteString] = ["kong", "docker-start"],
    options: Options = Options()
  ) throws -> Plan {
    let request = try Request(
      command: command, options: options, environment: environment(variables))
    return Planner(request: request, snapshot: host).plan()
  }
}

/// The rounds of a random test: all with ENTRYPOINT_TEST_ROUNDS=all, as in CI, otherwise a
/// twentieth.
func rounds(_ all: Int, of test: String = #function) -> Range<Int> {
  let isWhole = ProcessInfo.processInfo.environment["ENTRYPOINT_TEST_ROUNDS"] == "all"
  let count = isWhole ? all : max(1, all / 20)
  print("rounds: \(count) of \(all) in \(test)")
  return 0..<count
}
