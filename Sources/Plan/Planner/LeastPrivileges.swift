import Nginx
package import Capabilities
import Text

/// The least that a container must be given for a start to succeed as asked.
package struct LeastPrivileges: Equatable, Sendable {
  /// The user that the container starts as.
  package var uid: UInt32
  /// What to add after dropping all.
  package var capabilities: CapabilitySet = []
  /// Whether the engine may set no_new_privs, too.
  package var allowsNoNewPrivileges: Bool
  /// Whether the start writes nothing outside of Kong's prefix.
  package var allowsReadOnlyRoot = true
  /// The lowest port to open for everybody (net.ipv4.ip_unprivileged_port_start), if a user other than
  /// root starts an entrypoint whose file carries no capability.
  package var unprivilegedPortStart: Int?
}

extension LeastPrivileges {
  /// Finds the least for one start.
  ///
  /// A start as root is planned as if the container had been given what a drop needs. If the
  /// command then lacks something, it is planned again with what file capabilities need on top. The
  /// answer is what the steps of that plan use.
  ///
  /// - Throws: ``StartFailure`` where no set of capabilities would make the start succeed.
  init(_ planner: StartPlanner) throws(StartFailure) {
    // What the prefix and /tmp lack here is for volumes to bring, not for privileges.
    let planner = planner.withUsablePrefix
    if planner.host.credentials.user.effective == 0 {
      try self.init(ofRoot: planner)
    } else {
      try self.init(ofUser: planner)
    }
  }

  /// A user gets cap_net_bind_service from entrypoint's own file, in each network and on each engine.
  ///
  /// If the file does not carry it, low ports are opened to everybody.
  private init(ofUser planner: StartPlanner) throws(StartFailure) {
    let uid = planner.host.credentials.user.effective
    let allowsNoNewPrivileges = planner.request.noNewPrivileges != false
    let bind = CapabilitySet(.netBindService)
    if planner.host.ownFileBindsPorts {
      let plan = planner.asUser(with: bind, noNewPrivileges: allowsNoNewPrivileges).plan()
      let granted = (plan.result?.effective ?? []).union(
        plan.prepareGrant?.grant.capabilities ?? [])
      if plan.failure == nil {
        self.init(
          uid: uid, capabilities: granted.intersection(bind),
          allowsNoNewPrivileges: allowsNoNewPrivileges)
        return
      }
    }
    let listeners = planner.plan().needs.filter { $0.capability == .netBindService }
      .flatMap { $0.listeners }
    let lowest = listeners.compactMap { $0.port }.min()
    var opened = planner
    if let lowest, !planner.host.isHostNetwork { opened.host.unprivilegedPortStart = lowest }
    if let failure = opened.plan().failure { throw failure }
    self.init(
      uid: uid, allowsNoNewPrivileges: allowsNoNewPrivileges, unprivilegedPortStart: lowest)
  }

  private init(ofRoot planner: StartPlanner) throws(StartFailure) {
    let allowsNoNewPrivileges = planner.request.noNewPrivileges != false
    // Root with all, as what it lacks now must not hide what is needed.
    let able = planner.asRoot(with: planner.host.capabilityNames.all, noNewPrivileges: false).plan()
    let needed = CapabilitySet(
      able.needs.filter { $0.forbiddenBy == nil }.map { $0.capability })
    // Listeners that are not known yet may need it, and then nginx does, too.
    let mayNeed = able.prepareGrant?.grant.capabilities ?? []
    let drop = needed.union(mayNeed).union(CapabilitySet([.chown, .setgid, .setuid, .setpcap]))
    for given in [drop, drop.union(CapabilitySet(.setfcap))] {
      let plan = planner.asRoot(with: given, noNewPrivileges: allowsNoNewPrivileges).plan()
      guard plan.failure == nil, needed.isSubset(of: plan.result?.effective ?? []) else { continue }
      let used = (plan.prepare + plan.launch).requiredCapabilities
      self.init(
        uid: 0, capabilities: needed.union(mayNeed).union(used),
        allowsNoNewPrivileges: allowsNoNewPrivileges,
        allowsReadOnlyRoot: !used.contains(.setfcap))
      return
    }
    throw able.failure ?? LeastPrivileges.noWay
  }

  private static let noWay = StartFailure(
    status: ExitStatus.notPermitted,
    what: "no set of flags makes this start succeed as asked",
    why: "see the warnings of --dry-run",
    waysOut: ["correct what they name, and try again"])
}

extension StartPlanner {
  /// The same where the prefix and /tmp can be used.
  fileprivate var withUsablePrefix: StartPlanner {
    var planner = self
    planner.host.prefixState = PrefixState()
    planner.host.denials.removeAll { denial in
      switch denial {
      case .usingTemporary, .makingPrefix, .writingPrefix, .writingDirectory, .writingErrorLog,
        .readingSettings, .writingFiles:
        true
      case .givingPrefix, .readingConfiguration, .writingLog: false
      }
    }
    return planner
  }

  /// The same with a root that has been given exactly these capabilities.
  fileprivate func asRoot(with set: CapabilitySet, noNewPrivileges: Bool) -> StartPlanner {
    var planner = self
    planner.host.credentials.permitted = set
    planner.host.credentials.effective = set
    planner.host.credentials.bounding = set
    planner.host.credentials.noNewPrivileges = noNewPrivileges
    return planner
  }

  /// The same with a user that has these capabilities from entrypoint's own file.
  fileprivate func asUser(with set: CapabilitySet, noNewPrivileges: Bool) -> StartPlanner {
    var planner = asRoot(with: set, noNewPrivileges: noNewPrivileges)
    planner.host.credentials.effective = []
    planner.host.credentials.inheritable = []
    planner.host.credentials.ambient = []
    planner.host.secureExecution = true
    return planner
  }
}
