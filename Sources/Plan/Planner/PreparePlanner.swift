import Capabilities
import Kong
import Nginx
import Text

/// Plans what comes before nginx: the prefix gets its owner, services are waited for, then the hooks run, then
/// `kong prepare`.
struct PreparePlanner {
  let basis: Basis
  let prefix: Prefix
  /// The file of the `kong` command.
  let kong: ProgramFile
  /// nginx's file as it is.
  let proxy: ProgramFile
  /// What is changed in the environment of each program.
  let environment: [EnvironmentChange]
  /// The listeners that `kong prepare` will find, as far as they are known.
  let listeners: [Listener]
  /// Whether Kong certainly opens all of these.
  let areCertain: Bool
  /// Why its `nginx -t` needs cap_net_bind_service; nil where it does not.
  let need: PrepareNeed?

  private var host: HostSnapshot { basis.host }

  /// The plan with all this in it; where the start cannot succeed, it has a failure.
  func plan(_ opening: Plan) -> Plan {
    var plan = opening
    do throws(StartFailure) {
      plan.prepareWarnings += try familyWarnings
      plan.prepare += givingPrefix
      plan.notes += notes
      plan.prepareWarnings += try prefixWarnings
      plan.prepare += stripping
      // Hooks may need the services, too.
      if let wait = plan.wait {
        plan.prepare.append(basis.step(of: wait, after: acts(isFirst: true)))
      }
      let hooks = try hooks
      plan.prepareWarnings += hooks.warnings
      plan.prepare += try steps(of: hooks, areFirst: plan.wait == nil)
      let decision = try KongDecision(kong, run: run, need: need)
      plan.prepareWarnings += decision.warnings
      plan.prepareGrant = decision.grant
      plan.prepareResult = result(decision)
      plan.prepare.append(step(of: decision, isFirst: plan.wait == nil && hooks.programs.isEmpty))
      return plan
    } catch {
      return plan.failing(error)
    }
  }

  // MARK: what is certain to go wrong, and what may

  /// Warns of a listener that nginx cannot have: one for IPv6 where there is none.
  ///
  /// - Throws: ``StartFailure`` where Kong certainly opens it.
  private var familyWarnings: [Explanation] {
    get throws(StartFailure) {
      guard !host.hasIPv6,
        let listener = listeners.first(where: { if case .ipv6 = $0.host { true } else { false } })
      else { return [] }
      let explanation = NginxObstacle.noIPv6(listener).explanation(
        for: basis.user, isRoot: basis.isRoot)
      guard !areCertain else {
        throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
      }
      return [explanation]
    }
  }

  /// What will or may make `kong prepare` fail.
  private var prefixWarnings: [Explanation] {
    get throws(StartFailure) {
      let check = AccessCheck(basis: basis, prefix: prefix, isGiven: givesPrefix)
      let isDrop = basis.isRoot && basis.user.uid != 0
      return try check.warnings() + basis.request.warningsOfDaemon
        + (isDrop ? basis.request.warningsOfLogs : [])
    }
  }

  // MARK: the prefix

  /// Whether the prefix is to be the user's: after that root does nothing in it.
  private var ownsPrefix: Bool {
    basis.isDrop && basis.isRoot
      && !host.denials.contains {
        switch $0 {
        case .makingPrefix(let entry), .writingPrefix(let entry, _): entry.isReadOnly
        default: false
        }
      }
  }

  private var givesPrefix: Bool { ownsPrefix && basis.has(.chown) }

  /// The step that gives the prefix to the user and group 0, as in the official images, before
  /// anything of the user's can run.
  private var givingPrefix: [Step] {
    givesPrefix ? [.changeFile(.givePrefix(prefix, to: basis.user.uid, group: 0))] : []
  }

  /// What is left undone.
  private var notes: [String] {
    ownsPrefix && !givesPrefix
      ? ["the prefix keeps its owner: this process lacks cap_chown"] : []
  }

  // MARK: nginx's file

  /// The step that removes nginx's file capabilities before anything runs in nginx, as `kong` does.
  ///
  /// They would clear the ambient ones of `kong prepare`, and its `nginx -t` would then need a start
  /// without no_new_privs, in which a set-user-ID program of the image could gain everything. The
  /// launch writes what the listeners need.
  private var stripping: [Step] { strips ? [.changeFile(.removeCapabilities(proxy))] : [] }

  /// nginx's file as it is from then on.
  var strippedProxy: ProgramFile {
    guard strips else { return proxy }
    var bare = proxy
    bare.capabilities = nil
    return bare
  }

  private var strips: Bool {
    basis.isDrop && proxy.capabilitiesHonoredAtExec != nil
      && WriteRefusal(to: proxy, on: basis) == nil
  }

  // MARK: what runs

  private var run: KongRun { KongRun(basis: basis, proxy: strippedProxy) }

  /// The programs of the hook directory that are to run.
  private var hooks: HookDirectory.Selection {
    get throws(StartFailure) {
      try host.hooks?.selection(for: basis.user) ?? HookDirectory.Selection()
    }
  }

  /// The steps that run the hooks, in order: as the user that the proxy will run as, and without any
  /// capability, because they are anybody's.
  ///
  /// - Parameter areFirst: whether no other child comes before.
  private func steps(
    of hooks: HookDirectory.Selection, areFirst: Bool
  ) throws(StartFailure) -> [Step] {
    guard !hooks.programs.isEmpty else { return [] }
    guard let attempt = run.attempt([]) else { throw run.shortfall.cannotStart }
    return hooks.programs.enumerated().map { index, hook in
      // Exec'd by the path without links: those on the way to it can be anywhere.
      let execution = Execution(
        path: hook.resolvedPath, arguments: [hook.path], environment: environment)
      return attempt.sequence.child(
        running: execution, after: acts(isFirst: areFirst && index == 0), endsOrphans: false)
    }
  }

  /// What `kong prepare` has once it runs; nil where the kernel refuses its exec.
  private func result(_ decision: KongDecision) -> Credentials? {
    guard
      case .runs(let credentials, _, _) = credentialsAfterExec(
        decision.sequence.state, file: kong.capabilitiesHonoredAtExec)
    else { return nil }
    return credentials
  }

  /// The step that runs `kong prepare`: Lua out of a prefix that the user can write.
  ///
  /// - Parameter isFirst: whether no other child comes before.
  private func step(of decision: KongDecision, isFirst: Bool) -> Step {
    let request = basis.request
    let execution = Execution(
      path: kong.path,
      arguments: ["kong", "prepare", "-p", request.prefix] + request.kongArguments,
      environment: environment)
    // A process that goes on running would keep its capability. Root's processes have all
    // capabilities anyway. And if nothing is dropped, the user's other processes may come from
    // `docker exec`.
    let endsOrphans = basis.isDrop && basis.user.uid != 0
    return decision.sequence.child(
      running: execution, after: acts(isFirst: isFirst), endsOrphans: endsOrphans)
  }

  /// What the first child does in the prefix as its user, before any program runs, and before a wait, in which
  /// `kong health` must fail.
  private func acts(isFirst: Bool) -> [Step] {
    isFirst ? [.inPrefix(prefix, .removeStalePid)] : []
  }
}
