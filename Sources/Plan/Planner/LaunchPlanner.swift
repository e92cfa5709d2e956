import Capabilities
import Kong
import Nginx
import Text

/// Decides how a program is granted what it needs, and how everything else is given up.
struct LaunchPlanner {
  var request: Request
  var host: HostSnapshot
  /// The program's file.
  var file: ProgramFile
  /// The user to become, nil to stay.
  var target: TargetUser?
  var execution: Execution
  /// Kong's working directory; nil where the command is not `kong docker-start`.
  var prefix: Prefix?
  /// What the program certainly fails without.
  var certain: CapabilitySet = []

  /// Plans the launch.
  ///
  /// - Throws: ``StartFailure`` where something asked for by name cannot be had, or where the program
  ///   could not be started with what is planned.
  func plan(_ needs: Needs, into plan: inout Plan) throws(StartFailure) {
    guard !file.isSetID else { throw setID }
    var wanted = needs.wanted.subtracting(unreachable(needs))
    var attempt = attempt(wanted, mode: request.mode)
    if attempt == nil {
      wanted = CapabilitySet(
        wanted.members.filter { self.attempt(CapabilitySet($0), mode: request.mode) != nil })
      attempt = self.attempt(wanted, mode: request.mode)
    }
    let shortfall = Shortfall(
      request: request, host: host, file: file, refusal: choice(request.mode).refusalToWrite)
    for need in needs.needs where !wanted.contains(need.capability) {
      let explanation = shortfall.explain(need)
      if endsStart(need) || certain.contains(need.capability) {
        throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
      }
      if !plan.prepareWarnings.contains(explanation) { plan.launchWarnings.append(explanation) }
    }
    guard let attempt else { throw shortfall.cannotStart }
    plan.grant = attempt.grant
    plan.launch = attempt.steps
    plan.result = attempt.result
    plan.secureExecution = attempt.secureExecution
    // Of what the file carried before, `kong prepare` warns, which runs in it, too.
    if attempt.secureExecution, attempt.writesFile || !request.isDockerStart {
      plan.launchWarnings += shortfall.ignoredVariables
    }
    let streams = StreamAccess(request: request, host: host, target: target)
    plan.launchWarnings += streams.warnings
    plan.notes += streams.notes
    if !host.credentials.effective.contains(.setpcap), attempt.result.bounding != wanted {
      plan.notes.append("the bounding set is not reduced: this process lacks cap_setpcap")
    }
  }

  /// What no way of granting can bring, whatever the exec rule says.
  private func unreachable(_ needs: Needs) -> CapabilitySet {
    var set: CapabilitySet = []
    if (target?.uid ?? host.credentials.user.effective) == 0 {
      // Root keeps what it has: what is not in the bounding set is all that can be missing.
      set.formUnion(needs.wanted.subtracting(host.credentials.bounding))
    }
    // What would not help is not granted.
    if !host.ownsNetwork { set.formUnion(needs.onlyForListeners) }
    if host.secureExecution { set.formUnion(needs.wanted.subtracting(ofOwnFile(needs))) }
    return set
  }

  /// Which capabilities that this process has from its own file may go to the program.
  ///
  /// Everybody in the container can start this program with options, variables and a PATH of his own.
  /// So they go to the proxy at its default path only, only for listeners, and of them only
  /// cap_net_bind_service: with cap_net_raw he could read the network.
  private func ofOwnFile(_ needs: Needs) -> CapabilitySet {
    guard request.isDockerStart, request.proxy == Request.defaultProxy else { return [] }
    return needs.wanted.subtracting(needs.onlyRequested)
      .intersection(CapabilitySet(.netBindService))
  }

  /// Whether the start must not go on without `need`: it was asked for by name, or it is missing only
  /// because of the mode that was asked for.
  private func endsStart(_ need: Need) -> Bool {
    guard need.forbiddenBy == nil else { return false }
    return !need.requests.isEmpty
      || request.mode != .auto && attempt(CapabilitySet(need.capability), mode: .auto) != nil
  }

  // MARK: one way of granting

  /// The steps of a grant that works, with what the kernel makes of them.
  private struct Attempt {
    var grant: Grant
    var steps: [Step]
    var result: Credentials
    var secureExecution: Bool
    var writesFile: Bool
  }

  /// The first way of granting after which the program has exactly `wanted`; nil if there is none.
  private func attempt(_ wanted: CapabilitySet, mode: CapabilityMode) -> Attempt? {
    let choice = choice(mode)
    for candidate in choice.candidates(for: wanted) {
      var sequence = steps(for: candidate, wanted: wanted)
      let file = choice.fileCapabilities(after: candidate.action, writing: wanted)
      guard
        case .runs(let result, let secure, _) = credentialsAfterExec(sequence.state, file: file),
        has(result, exactly: wanted)
      else { continue }
      sequence.finish(execution, after: actsOfNginx)
      return Attempt(
        grant: wanted.isEmpty || result.user.effective == 0 ? .none : candidate.grant,
        steps: sequence.steps, result: result, secureExecution: secure,
        writesFile: candidate.action == .write)
    }
    return nil
  }

  private func choice(_ mode: CapabilityMode) -> GrantChoice {
    GrantChoice(request: request, host: host, file: file, target: target, mode: mode)
  }

  private func steps(for candidate: GrantCandidate, wanted: CapabilitySet) -> LaunchSequence {
    var sequence = LaunchSequence(from: host.credentials)
    for step in host.streamSteps(for: target) { sequence.add(step) }
    switch candidate.action {
    case .leave: break
    case .write: sequence.add(.changeFile(.setCapabilities(wanted, file)))
    case .remove: sequence.add(.changeFile(.removeCapabilities(file)))
    }
    let cutsBounding = candidate.bounding != host.credentials.bounding
    sequence.drop(
      to: target, permitted: candidate.permitted, ambient: candidate.ambient,
      bounding: cutsBounding ? candidate.bounding : nil,
      noNewPrivileges: candidate.noNewPrivileges)
    return sequence
  }

  /// What is done in the prefix after the drop: it is the user's, who may have planted anything there.
  ///
  /// At last nothing is open but what nginx knows of. Any other command gets what this process got.
  private var actsOfNginx: [Step] {
    guard let prefix else { return [] }
    let sockets = request.environment[InheritedSockets.variable].map(InheritedSockets.descriptors)
    return [.inPrefix(prefix, .removeStaleSockets)]
      + (request.linksLogs ? [.inPrefix(prefix, .linkLogs)] : [])
      + [.closeDescriptors(keeping: sockets ?? [])]
  }

  /// Root has more by being root; any other user has exactly what was granted.
  private func has(_ result: Credentials, exactly wanted: CapabilitySet) -> Bool {
    if result.user.effective == 0 { return wanted.isSubset(of: result.effective) }
    return result.permitted == wanted && result.effective == wanted
      && result.ambient.isSubset(of: wanted) && result.inheritable.isSubset(of: wanted)
  }

  private var setID: StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(file.path) has the set-user-ID or set-group-ID bit",
      why: "it would run as another user than planned, whatever is dropped before",
      waysOut: ["take the bit off in the image: chmod ug-s \(file.path)"])
  }
}

extension HostSnapshot {
  /// Whether becoming `target` is a change of user.
  func isDrop(_ target: TargetUser?) -> Bool {
    target.map { $0.uid != credentials.user.effective } ?? false
  }
}

extension GrantChoice {
  /// The choice that a request leaves on a machine.
  init(
    request: Request, host: HostSnapshot, file: ProgramFile, target: TargetUser?,
    mode: CapabilityMode
  ) {
    self.init(
      start: host.credentials, uid: target?.uid ?? host.credentials.user.effective, file: file,
      mode: mode, noNewPrivileges: request.noNewPrivileges,
      mayWriteFile: request.isDockerStart && !host.secureExecution,
      needsVariables: !request.environment.ignoredInSecureExecution.isEmpty,
      refusedWrite: host.refusedWrite)
  }
}
