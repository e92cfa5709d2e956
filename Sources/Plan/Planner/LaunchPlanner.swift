import Capabilities
import Kong
import Nginx
import Text

/// Decides how a program is granted what it needs, and how everything else is given up.
struct LaunchPlanner {
  let basis: Basis
  /// The program's file.
  let file: ProgramFile
  let execution: Execution
  /// Kong's working directory; nil where the command is not `kong docker-start`.
  var prefix: Prefix?
  /// What the program certainly fails without.
  var certain: CapabilitySet = []

  private var request: Request { basis.request }
  private var host: HostSnapshot { basis.host }

  /// What came of it.
  struct Outcome {
    /// What is needed and not granted.
    var warnings: [Explanation] = []
    /// The launch, or why there is none.
    fileprivate(set) var end: End

    enum End {
      case launch(Launch)
      case failure(StartFailure)
    }

    /// The launch.
    ///
    /// - Throws: ``StartFailure`` where there is none.
    func launch() throws(StartFailure) -> Launch {
      switch end {
      case .launch(let launch): return launch
      case .failure(let failure): throw failure
      }
    }
  }

  /// The steps to the program, and what the kernel makes of them.
  struct Launch {
    var grant: Grant
    var steps: [Step]
    /// What the program has once it runs.
    var result: Credentials
    var secureExecution: Bool
    /// Whether the program's file is written to.
    fileprivate var writesFile: Bool
    /// What will not be as asked.
    var warnings: [Explanation] = []
    /// What is left undone.
    var notes: [String] = []
  }

  /// Plans the launch.
  ///
  /// It fails where something asked for by name cannot be had, or where the program could not be started
  /// with what is planned.
  ///
  /// - Parameter said: the warnings that there are already.
  func outcome(_ needs: Needs, said: [Explanation]) -> Outcome {
    guard !file.isSetID else { return Outcome(end: .failure(setID)) }
    let (wanted, launch) = grantable(needs)
    let shortfall = Shortfall(basis, file: file)
    var warnings: [Explanation] = []
    for need in needs.needs where !wanted.contains(need.capability) {
      let explanation = shortfall.explain(need)
      if endsStart(need) || certain.contains(need.capability) {
        let failure = StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
        return Outcome(warnings: warnings, end: .failure(failure))
      }
      if !said.contains(explanation) { warnings.append(explanation) }
    }
    guard var launch else {
      return Outcome(warnings: warnings, end: .failure(shortfall.cannotStart))
    }
    let streams = StreamAccess(basis: basis)
    launch.warnings =
      ignoredVariables(of: launch, shortfall) + streams.warnings + (keepsLogs ? [logFiles] : [])
    launch.notes = streams.notes
    if !basis.has(.setpcap), launch.result.bounding != wanted {
      launch.notes.append("the bounding set is not reduced: this process lacks cap_setpcap")
    }
    return Outcome(warnings: warnings, end: .launch(launch))
  }

  /// As much of what is needed as can be granted at once, and how; without a launch where the program
  /// cannot even be started without anything.
  private func grantable(_ needs: Needs) -> (CapabilitySet, Launch?) {
    let wanted = needs.wanted.subtracting(unreachable(needs))
    if let launch = launch(wanted, mode: request.mode) { return (wanted, launch) }
    let each = CapabilitySet(
      wanted.members.filter { launch(CapabilitySet($0), mode: request.mode) != nil })
    return (each, launch(each, mode: request.mode))
  }

  /// What no way of granting can bring, whatever the exec rule says.
  private func unreachable(_ needs: Needs) -> CapabilitySet {
    var set: CapabilitySet = []
    if basis.user.uid == 0 {
      // Root keeps what it has; only what is not in the bounding set can be missing.
      set.formUnion(needs.wanted.subtracting(basis.start.bounding))
    }
    // What would not help is not granted.
    if !host.ownsNetwork { set.formUnion(needs.onlyForListeners) }
    if host.secureExecution { set.formUnion(needs.wanted.subtracting(ofOwnFile(needs))) }
    return set
  }

  /// Which capabilities that this process has from its own file may go to the program.
  ///
  /// Everybody in the container can start this program with options, variables and a PATH of their
  /// own. So these capabilities go only to the proxy at its default path, only for listeners, and
  /// only cap_net_bind_service: with cap_net_raw anybody could read the network.
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
      || request.mode != .auto && launch(CapabilitySet(need.capability), mode: .auto) != nil
  }

  // MARK: one way of granting

  /// The first way of granting after which the program has exactly `wanted`; nil if there is none.
  private func launch(_ wanted: CapabilitySet, mode: CapabilityMode) -> Launch? {
    let choice = GrantChoice(basis, file: file, mode: mode)
    for candidate in choice.candidates(for: wanted) {
      let sequence = sequence(for: candidate, wanted: wanted)
      let file = choice.fileCapabilities(after: candidate.action, writing: wanted)
      guard
        case .runs(let result, let secure, _) = credentialsAfterExec(sequence.state, file: file),
        has(result, exactly: wanted)
      else { continue }
      return Launch(
        grant: wanted.isEmpty || result.user.effective == 0 ? .none : candidate.grant,
        steps: sequence.ending(in: execution, after: actsOfNginx), result: result,
        secureExecution: secure, writesFile: candidate.action == .write)
    }
    return nil
  }

  private func sequence(for candidate: GrantCandidate, wanted: CapabilitySet) -> LaunchSequence {
    var sequence = LaunchSequence(from: basis.start)
    for step in basis.streamSteps { sequence.add(step) }
    switch candidate.action {
    case .leave: break
    case .write: sequence.add(.changeFile(.setCapabilities(wanted, file)))
    case .remove: sequence.add(.changeFile(.removeCapabilities(file)))
    }
    let cutsBounding = candidate.bounding != basis.start.bounding
    sequence.drop(
      to: basis.target, permitted: candidate.permitted, ambient: candidate.ambient,
      bounding: cutsBounding ? candidate.bounding : nil,
      noNewPrivileges: candidate.noNewPrivileges)
    return sequence
  }

  /// What is done in the prefix after the drop, because its user may have planted anything there.
  ///
  /// Finally everything is closed that nginx does not know of. Any other command gets what this
  /// process got.
  private var actsOfNginx: [Step] {
    guard let prefix else { return [] }
    let sockets = request.environment[InheritedSockets.variable].map(InheritedSockets.descriptors)
    let linksLogs = request.linksLogs && host.hasStreamPaths
    return [.inPrefix(prefix, .removeStaleSockets)]
      + (linksLogs ? [.inPrefix(prefix, .linkLogs)] : [])
      + [.closeDescriptors(keeping: sockets ?? [])]
  }

  /// Root has more by being root; any other user has exactly what was granted.
  private func has(_ result: Credentials, exactly wanted: CapabilitySet) -> Bool {
    if result.user.effective == 0 { return wanted.isSubset(of: result.effective) }
    return result.permitted == wanted && result.effective == wanted
      && result.ambient.isSubset(of: wanted) && result.inheritable.isSubset(of: wanted)
  }

  // MARK: what is said

  /// `kong prepare` runs in nginx's file, too, so the prepare phase has warned of what it carried
  /// before.
  private func ignoredVariables(of launch: Launch, _ shortfall: Shortfall) -> [Explanation] {
    launch.secureExecution && (launch.writesFile || !request.isDockerStart)
      ? shortfall.ignoredVariables : []
  }

  /// Whether Kong's log files stay what they are, though links to the standard streams are asked for.
  private var keepsLogs: Bool { prefix != nil && request.linksLogs && !host.hasStreamPaths }

  private var logFiles: Explanation {
    Explanation(
      what: "Kong's logs stay files in \(request.prefix)/logs",
      why:
        "nginx could not open /dev/stdout and /dev/stderr: they lead to /proc, which is not mounted",
      waysOut: [
        "mount /proc in the container", "set ENTRYPOINT_LOG_LINKS=off to log to files",
      ])
  }

  private var setID: StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(file.path) has the set-user-ID or set-group-ID bit",
      why: "it would run as another user than planned, whatever was dropped before",
      waysOut: ["remove the bit in the image: chmod ug-s \(file.path)"])
  }
}
