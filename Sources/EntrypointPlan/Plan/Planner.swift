/// Decides: what is asked and what the machine is like go in, a plan comes out.
///
/// Pure, so that a plan
/// can be printed, tested, and made again when there is more to know.
public struct Planner: Sendable {
  private let request: Request
  private let host: HostSnapshot

  /// Creates a planner for one request on one machine.
  public init(request: Request, snapshot: HostSnapshot) {
    self.request = request
    self.host = snapshot
  }

  /// Makes the plan; where a start cannot succeed, it has a failure.
  public func plan() -> Plan {
    var plan = Plan(command: request.command)
    do throws(StartFailure) {
      if request.isDockerStart {
        try planDockerStart(&plan)
      } else {
        try planCommand(&plan)
      }
    } catch {
      plan.failure = error
      plan.prepare = []
      plan.launch = []
    }
    return plan
  }

  // MARK: kong docker-start

  private func planDockerStart(_ plan: inout Plan) throws(StartFailure) {
    plan.listeners = try listeners()
    let needs = try Needs(
      listeners: plan.listeners, requests: request.capabilities, snapshot: host)
    plan.needs = needs.needs
    let target = try dropTarget()
    plan.user = target ?? currentUser
    let kong = try program(host.command, name: request.command.first ?? "kong")
    let proxy = try program(host.proxy ?? .absent, name: request.proxy, isProxy: true)
    if let target { try checkDrop(to: target) }

    plan.prepare = prepareSteps(kong: kong, target: target)
    let execution = Execution(
      path: proxy.path, arguments: [proxy.path, "-p", request.prefix, "-c", "nginx.conf"],
      environment: environment(for: target))
    try launch(execution, file: proxy, target: target, needs: needs, plan: &plan)
  }

  private func listeners() throws(StartFailure) -> [Listener] {
    var listeners: [Listener] = []
    var seen: Set<String> = []
    for variable in request.environment.variables
    where Environment.isListenSetting(variable.name.utf8) {
      guard seen.insert(variable.name).inserted else { continue }
      listeners += try ListenSetting.parse(variable.value, source: variable.name)
    }
    return listeners
  }

  /// `kong prepare`, as the user that the proxy will run as, and without any capability: it runs
  /// Lua code out of a prefix that this user can write.
  private func prepareSteps(kong: ProgramFile, target: TargetUser?) -> [Step] {
    var child = LaunchSequence(from: host.credentials)
    child.drop(
      to: target, permitted: [], ambient: [],
      bounding: isDrop(target) && has(.setpcap) ? [] : nil,
      noNewPrivileges: isDrop(target) && request.noNewPrivileges != false)
    child.finish(
      Execution(
        path: kong.path,
        arguments: ["kong", "prepare", "-p", request.prefix] + request.dockerStartArguments,
        environment: environment(for: target)))
    return [.run(child.steps)]
  }

  private func environment(for target: TargetUser?) -> [EnvironmentChange] {
    var changes: [EnvironmentChange] = []
    if let target { changes.append(EnvironmentChange(name: "HOME", value: target.home)) }
    if request.environment.nonEmpty("KONG_NGINX_DAEMON") == nil {
      changes.append(EnvironmentChange(name: "KONG_NGINX_DAEMON", value: "off"))
    }
    return changes
  }

  // MARK: any other command

  private func planCommand(_ plan: inout Plan) throws(StartFailure) {
    guard let name = request.command.first else { throw Planner.noCommand }
    let target = try request.user == nil ? nil : dropTarget()
    plan.user = target ?? currentUser
    // SET_CAP_* speak of Kong's start, or of a command that is run with --user or --cap. Without
    // these the command is exec'd as it is.
    let asksOnCommandLine = request.capabilities.contains { $0.origin.hasPrefix("--cap") }
    let isPlain = request.user == nil && !asksOnCommandLine
    let needs = try Needs(
      listeners: [], requests: isPlain ? [] : request.capabilities, snapshot: host)
    plan.needs = needs.needs
    let file = try program(host.command, name: name)
    if let target { try checkDrop(to: target) }

    let execution = Execution(
      path: file.path, arguments: request.command, environment: environment(for: target))
    if isPlain {
      plan.launch = [.exec(execution)]
      if case .runs(let credentials, let secureExecution, _) = credentialsAfterExec(
        host.credentials, file: file.countingCapabilities)
      {
        plan.result = credentials
        plan.secureExecution = secureExecution
      }
    } else {
      try launch(execution, file: file, target: target, needs: needs, plan: &plan)
    }
  }

  private static let noCommand = StartFailure(
    status: ExitStatus.usage,
    what: "there is no command to start",
    why: "an image gives it as CMD, a person after the options",
    waysOut: ["run: entrypoint kong docker-start", "read: entrypoint --help"]
  )

  // MARK: the grant and the drop

  private func launch(
    _ execution: Execution, file: ProgramFile, target: TargetUser?, needs: Needs, plan: inout Plan
  ) throws(StartFailure) {
    guard !file.isSetID else { throw Planner.setID(file) }
    let missing = Shortfall(request: request, host: host, file: file, target: target)
    let choice = grantChoice(file: file, target: target)
    var wanted = needs.wanted
    if target?.uid == 0 || target == nil && host.credentials.user.effective == 0 {
      // Root keeps what it has: what is not in the bounding set is all that can be missing.
      wanted.formIntersection(host.credentials.bounding)
    }
    if host.secureExecution { wanted.subtract(needs.onlyRequested) }
    // What would not help is not granted.
    if !host.ownsNetwork { wanted.subtract(needs.onlyForListeners) }

    var attempt = evaluate(wanted, choice: choice, execution: execution, target: target)
    if attempt == nil {
      let reachable = wanted.members.filter {
        evaluate(CapabilitySet($0), choice: choice, execution: execution, target: target) != nil
      }
      wanted = CapabilitySet(reachable)
      attempt = evaluate(wanted, choice: choice, execution: execution, target: target)
    }
    for need in needs.needs where !wanted.contains(need.capability) {
      let explanation = missing.explain(need, refusal: choice.refusalToWrite)
      if need.forbiddenBy == nil, !need.requests.isEmpty {
        throw StartFailure(
          status: ExitStatus.notPermitted, what: explanation.what, why: explanation.why,
          waysOut: explanation.waysOut)
      }
      plan.warnings.append(explanation)
    }
    guard let attempt else { throw missing.cannotStart(file) }
    plan.grant = attempt.grant
    plan.launch = attempt.steps
    plan.result = attempt.result
    plan.secureExecution = attempt.secureExecution
  }

  private func grantChoice(file: ProgramFile, target: TargetUser?) -> GrantChoice {
    GrantChoice(
      start: host.credentials,
      uid: target?.uid ?? host.credentials.user.effective,
      file: file,
      mode: request.mode,
      noNewPrivileges: request.noNewPrivileges,
      // Only the proxy is ever given file capabilities: on a shell they would be everybody's.
      mayWriteFile: request.isDockerStart && !host.secureExecution
    )
  }

  /// The steps of a grant that works, with what the kernel makes of them.
  private struct Attempt {
    var grant: Grant
    var steps: [Step]
    var result: Credentials
    var secureExecution: Bool
  }

  /// The first candidate after which the program has exactly `wanted`; nil if none has.
  private func evaluate(
    _ wanted: CapabilitySet, choice: GrantChoice, execution: Execution, target: TargetUser?
  ) -> Attempt? {
    if host.secureExecution, !wanted.isEmpty, !mayInheritFromOwnFile(choice.file) { return nil }
    for candidate in choice.candidates(for: wanted) {
      var sequence = LaunchSequence(from: host.credentials)
      for step in streamSteps(target: target) { sequence.add(step) }
      switch candidate.action {
      case .leave: break
      case .write: sequence.add(.setFileCapabilities(wanted, choice.file))
      case .remove: sequence.add(.removeFileCapabilities(choice.file))
      }
      let cutsBounding = candidate.bounding != host.credentials.bounding
      sequence.drop(
        to: target, permitted: candidate.permitted, ambient: candidate.ambient,
        bounding: cutsBounding ? candidate.bounding : nil,
        noNewPrivileges: candidate.noNewPrivileges)
      let file = choice.fileCapabilities(after: candidate.action, writing: wanted)
      guard
        case .runs(let result, let secure, _) = credentialsAfterExec(sequence.state, file: file),
        has(result, exactly: wanted)
      else { continue }
      sequence.finish(execution)
      return Attempt(
        grant: wanted.isEmpty || result.user.effective == 0 ? .none : candidate.grant,
        steps: sequence.steps, result: result, secureExecution: secure)
    }
    return nil
  }

  /// Root has more by being root; any other user has exactly what was granted.
  private func has(_ result: Credentials, exactly wanted: CapabilitySet) -> Bool {
    if result.user.effective == 0 { return wanted.isSubset(of: result.effective) }
    return result.permitted == wanted && result.effective == wanted
      && result.ambient.isSubset(of: wanted) && result.inheritable.isSubset(of: wanted)
  }

  /// Whether capabilities that this process has from its own file may go to `file`.
  ///
  /// Everybody in the container can start this program with options and variables of his own. So
  /// they go to the proxy at its default path only, and only if nobody but root could change it.
  private func mayInheritFromOwnFile(_ file: ProgramFile) -> Bool {
    request.isDockerStart && request.proxy == Request.defaultProxy && file.writableComponent == nil
  }

  /// nginx opens /dev/stdout and /dev/stderr by path; the file behind is root's, usually a pipe.
  private func streamSteps(target: TargetUser?) -> [Step] {
    guard request.isDockerStart, let target, isDrop(target), has(.chown) else { return [] }
    var given: [FileIdentity] = []
    return host.streams.compactMap { stream in
      guard stream.isWorthGiving(to: target), !given.contains(stream.identity) else { return nil }
      given.append(stream.identity)
      return .giveStream(stream, to: target.uid)
    }
  }

  // MARK: who and where

  private func has(_ capability: Capability) -> Bool {
    host.credentials.effective.contains(capability)
  }

  private func isDrop(_ target: TargetUser?) -> Bool {
    target.map { $0.uid != host.credentials.user.effective } ?? false
  }

  /// The user to become: as asked; else kong for `kong docker-start` as root; else nobody.
  private func dropTarget() throws(StartFailure) -> TargetUser? {
    if let user = request.user {
      return try host.accounts.target(
        user, origin: request.userOrigin, current: host.credentials)
    }
    guard host.credentials.user.effective == 0 else { return nil }
    return try host.accounts.target(
      "kong", origin: "kong docker-start, started as root", current: host.credentials)
  }

  private var currentUser: TargetUser {
    let credentials = host.credentials
    let account = host.accounts.users.first { $0.uid == credentials.user.effective }
    return TargetUser(
      name: account?.name, uid: credentials.user.effective, gid: credentials.group.effective,
      groups: credentials.groups, home: account?.home ?? "/")
  }

  private func checkDrop(to target: TargetUser) throws(StartFailure) {
    let before = host.credentials
    var lacking: [Capability] = []
    if before.group != ProcessIDs(target.gid) || before.groups != target.groups, !has(.setgid) {
      lacking.append(.setgid)
    }
    if before.user != ProcessIDs(target.uid), !has(.setuid) { lacking.append(.setuid) }
    guard !lacking.isEmpty else { return }
    throw Shortfall.cannotDrop(
      to: target, lacking: lacking, host: host, isDefault: request.user == nil)
  }

  private func program(
    _ lookup: ProgramLookup, name: ByteString, isProxy: Bool = false
  ) throws(StartFailure) -> ProgramFile {
    switch lookup {
    case .found(let file):
      return file
    case .absent:
      throw StartFailure(
        status: ExitStatus.notFound,
        what: isProxy ? "there is no nginx at \(name)" : "there is no command \"\(name)\"",
        why: isProxy || name.bytes.contains(UInt8(ascii: "/"))
          ? "no such file" : "no directory on PATH has a file of this name",
        waysOut: isProxy
          ? ["give its path with --proxy PATH or ENTRYPOINT_PROXY"]
          : ["correct the command or PATH", "give the command's full path"])
    case .notExecutable(let path, let reason):
      throw StartFailure(
        status: ExitStatus.notExecutable,
        what: "\(path) cannot be executed", why: reason,
        waysOut: ["make it an executable file", "name another"])
    }
  }

  private static func setID(_ file: ProgramFile) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(file.path) has the set-user-ID or set-group-ID bit",
      why: "it would run as another user than planned, whatever is dropped before",
      waysOut: ["take the bit off in the image: chmod ug-s \(file.path)"])
  }
}

extension StandardStream {
  /// Whether giving the file away is what lets the user open it by path, and harms nobody.
  func isWorthGiving(to target: TargetUser) -> Bool {
    switch kind {
    case .pipe, .terminal, .file: !isWritable(by: target)
    // A socket cannot be opened by path, whoever owns it; other devices belong to everybody.
    case .socket, .otherDevice, .closed: false
    }
  }

  private func isWritable(by target: TargetUser) -> Bool {
    if uid == target.uid { return mode & 0o200 != 0 }
    if gid == target.gid || target.groups.contains(gid) { return mode & 0o020 != 0 }
    return mode & 0o002 != 0
  }
}
