import Nginx
package import Capabilities
package import Text

/// The least that a container must be given for a start to come out as planned.
package struct LeastPrivileges: Equatable, Sendable {
  /// The user that the container starts as.
  package var uid: UInt32
  /// What to add after dropping all.
  package var capabilities: CapabilitySet = []
  /// Whether the engine may set no_new_privs, too.
  package var allowsNoNewPrivileges: Bool
  /// Whether the start writes nothing outside of Kong's prefix.
  package var allowsReadOnlyRoot = true
  /// The lowest port to open for everybody (net.ipv4.ip_unprivileged_port_start), where a user
  /// other than root starts: no engine gives such a user capabilities under no_new_privs.
  package var unprivilegedPortStart: Int?
}

extension LeastPrivileges {
  /// Finds the least for one request on one machine.
  ///
  /// A root start is planned as if the container had been given what a drop needs; if the command
  /// does not end up with all it needs, once more with what file capabilities need on top. What the
  /// steps of that plan use is the answer.
  ///
  /// - Throws: ``StartFailure`` where no set of capabilities would make the start succeed.
  package init(request: Request, snapshot: HostSnapshot) throws(StartFailure) {
    let allowsNoNewPrivileges = request.noNewPrivileges != false
    // What the prefix and /tmp lack here is for volumes to bring, not for privileges.
    var snapshot = snapshot
    snapshot.unwritablePrefix = nil
    snapshot.prefixState = PrefixState()
    let uid = snapshot.credentials.user.effective
    // Root with all, as what it lacks now must not hide what is needed.
    let able = snapshot.asRoot(with: snapshot.capabilityNames.all, noNewPrivileges: false)
    let now = Planner(request: request, snapshot: uid == 0 ? able : snapshot).plan()
    guard uid == 0 else {
      let ports = now.needs.filter { $0.capability == .netBindService }.flatMap { $0.listeners }
      let lowest = ports.compactMap { $0.port }.min()
      var opened = snapshot
      if let lowest { opened.unprivilegedPortStart = lowest }
      if let failure = Planner(request: request, snapshot: opened).plan().failure { throw failure }
      self.init(
        uid: uid, allowsNoNewPrivileges: allowsNoNewPrivileges, unprivilegedPortStart: lowest)
      return
    }
    let needed = CapabilitySet(now.needs.filter { $0.forbiddenBy == nil }.map { $0.capability })
    // Listeners that are not known yet may need it, and then nginx does, too.
    let mayNeed = now.prepareGrant?.capabilities ?? []
    let drop = needed.union(mayNeed).union(CapabilitySet([.chown, .setgid, .setuid, .setpcap]))
    for given in [drop, drop.union(CapabilitySet(.setfcap))] {
      let host = snapshot.asRoot(with: given, noNewPrivileges: allowsNoNewPrivileges)
      let plan = Planner(request: request, snapshot: host).plan()
      guard plan.failure == nil, needed.isSubset(of: plan.result?.effective ?? []) else { continue }
      let used = (plan.prepare + plan.launch).requiredCapabilities
      self.init(
        uid: 0, capabilities: needed.union(mayNeed).union(used),
        allowsNoNewPrivileges: allowsNoNewPrivileges,
        allowsReadOnlyRoot: !used.contains(.setfcap))
      return
    }
    throw now.failure ?? LeastPrivileges.noWay
  }

  private static let noWay = StartFailure(
    status: ExitStatus.notPermitted,
    what: "no set of flags makes this start come out as asked",
    why: "see the warnings of --dry-run",
    waysOut: ["correct what they name, and try again"])
}

extension HostSnapshot {
  /// The same machine, with a root that has been given exactly these capabilities.
  fileprivate func asRoot(with set: CapabilitySet, noNewPrivileges: Bool) -> HostSnapshot {
    var host = self
    host.credentials.permitted = set
    host.credentials.effective = set
    host.credentials.bounding = set
    host.credentials.noNewPrivileges = noNewPrivileges
    return host
  }
}
