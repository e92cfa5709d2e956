import Capabilities
import Kong
import Nginx
package import Text

/// Decides: what is asked and what the machine is like go in, a plan comes out.
///
/// Pure, so that a plan can be printed, tested, and made again when there is more to know.
package struct Planner: Sendable {
  private let request: Request
  private let host: HostSnapshot

  /// Creates a planner for one request on one machine.
  package init(request: Request, snapshot: HostSnapshot) {
    self.request = request
    self.host = snapshot
  }

  /// Makes the plan; where a start cannot succeed, it has a failure.
  package func plan() -> Plan {
    var plan = Plan(command: request.command)
    do throws(StartFailure) {
      if let failure = host.credentials.halfRoot { throw failure }
      plan.secrets = try host.secrets.get()
      plan.prepareWarnings = request.warnings(files: host.files, secrets: plan.secrets)
      if request.isDockerStart {
        try planDockerStart(&plan)
      } else if request.runsKong {
        try planKongCommand(&plan)
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
    if let argument = request.kongArguments.first(where: Planner.isPrefix) {
      throw Planner.prefixAsArgument(argument)
    }
    let settings = try ConfiguredListeners(environment: request.environment, files: host.files)
    plan.listeners = settings.listeners(with: host.files.generated)
    plan.launchWarnings = settings.warnings(with: host.files.generated)
    if host.files.generated?.isCurrent == false {
      plan.notes.append(
        "the listeners are those that an earlier kong prepare left in \(request.prefix), and those"
          + " of the settings")
    }
    let needs = try Needs(
      listeners: plan.listeners, requests: request.capabilities, snapshot: host)
    plan.needs = needs.needs
    plan.workers = workers
    if !needs.wanted.contains(.netRaw) {
      plan.launchWarnings += plan.listeners.compactMap { $0.transparencyWarning }.prefix(1)
    }
    let target = try host.dropTarget(for: request)
    plan.user = target ?? host.currentUser
    let kong = try program(host.command, name: "kong")
    let proxy = try program(host.proxy ?? .absent, name: request.proxy, isProxy: true)
    if let target { try checkDrop(to: target) }
    // Whoever owns the directory that one of these is in could put another program in its place.
    let prefix = try Prefix(request.prefix, outside: [proxy.path, request.proxy, host.ownPath])

    var proxyAtLaunch = proxy
    // What nginx certainly fails without; of what was generated, it opens every listener.
    var certain = needs.ofListeners.intersection(CapabilitySet(.netBindService))
    // What has run need not be planned again.
    if host.files.generated?.isCurrent != true {
      let listeners =
        host.files.generated == nil ? plan.listeners : settings.listeners(with: nil)
      try checkFamilies(of: listeners, areCertain: settings.areCertain, plan: &plan)
      let need = try PrepareNeed(
        settings: settings, listeners: listeners, request: request, host: host)
      certain = need?.certain ?? []
      if let target { try give(prefix, to: target, plan: &plan) }
      plan.prepareWarnings += try prefixWarnings(prefix, plan)
      proxyAtLaunch = takeFileCapabilities(from: proxy, target: target, plan: &plan)
      let run = KongRun(request: request, host: host, target: target, proxy: proxyAtLaunch)
      plan.prepare += try hookSteps(run, plan: &plan)
      plan.prepare.append(try prepareStep(kong: kong, run: run, need: need, plan: &plan))
      plan.prepare = plan.prepare.withFirstChild(
        doing: .inPrefix(prefix, .removeStalePid))
    }
    let execution = Execution(
      path: proxy.path, arguments: [proxy.path, "-p", request.prefix, "-c", "nginx.conf"],
      environment: environment(for: target))
    try launch(
      execution, file: proxyAtLaunch, target: target, needs: needs,
      certain: certain, prefix: prefix, plan: &plan)
    if !host.hasStreamPaths { plan.keepLogFiles(of: request.prefix) }
    if plan.user?.uid == 0 { plan.prepareWarnings.append(runsAsRoot) }
  }

  /// Finds a listener that nginx certainly cannot have: one for IPv6 where there is none.
  private func checkFamilies(
    of listeners: [Listener], areCertain: Bool, plan: inout Plan
  ) throws(StartFailure) {
    guard !host.hasIPv6,
      let listener = listeners.first(where: { if case .ipv6 = $0.host { true } else { false } })
    else { return }
    let explanation = NginxObstacle.noIPv6(listener).explanation(
      for: plan.user ?? host.currentUser, isRoot: host.credentials.user.effective == 0)
    if areCertain {
      throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
    }
    plan.prepareWarnings.append(explanation)
  }

  /// The prefix is made the user's and group 0's, as in the official images, before anything of the
  /// user's can run.
  ///
  /// After that root does nothing in it.
  private func give(_ prefix: Prefix, to target: TargetUser, plan: inout Plan) throws(StartFailure)
  {
    guard host.isDrop(target), host.credentials.user.effective == 0,
      host.unwritablePrefix?.isReadOnly != true
    else { return }
    if has(.chown) {
      if let failure = host.prefixFailure { throw failure }
      plan.prepare.append(
        .changeFile(.givePrefix(prefix, to: target.uid, group: 0)))
    } else {
      plan.notes.append("the prefix keeps its owner: this process lacks cap_chown")
    }
  }

  /// Takes nginx's file capabilities off before anything that nginx itself runs, as it runs `kong`.
  ///
  /// They would clear the ambient ones of `kong prepare`, and its `nginx -t` would then need a start
  /// without no_new_privs, in which a set-user-ID program of the image could gain everything. The
  /// launch writes what the listeners need.
  ///
  /// - Returns: the file as it is from then on.
  private func takeFileCapabilities(
    from proxy: ProgramFile, target: TargetUser?, plan: inout Plan
  ) -> ProgramFile {
    let choice = GrantChoice(
      request: request, host: host, file: proxy, target: target, mode: request.mode)
    guard host.isDrop(target), proxy.countingCapabilities != nil, choice.refusalToWrite == nil
    else { return proxy }
    plan.prepare.append(.changeFile(.removeCapabilities(proxy)))
    var bare = proxy
    bare.capabilities = nil
    return bare
  }

  /// The programs of the hook directory, in order: as the user that the proxy will run as, and without
  /// any capability, because they are anybody's.
  private func hookSteps(_ run: KongRun, plan: inout Plan) throws(StartFailure) -> [Step] {
    guard let selection = try host.hooks?.selection(for: run.target ?? host.currentUser) else {
      return []
    }
    plan.prepareWarnings += selection.warnings
    guard !selection.programs.isEmpty else { return [] }
    guard let attempt = run.attempt([]) else { throw shortfall(run).cannotStart }
    return selection.programs.map { hook in
      var sequence = attempt.sequence
      sequence.finishChild(
        Execution(
          // Exec'd by the path without links: those on the way to it can be anywhere.
          path: hook.resolvedPath, arguments: [hook.path],
          environment: childEnvironment(for: run.target)))
      return .run(sequence.steps, endsOrphans: false)
    }
  }

  /// `kong prepare` runs Lua code out of a prefix that the user can write, and binds every listener.
  private func prepareStep(
    kong: ProgramFile, run: KongRun, need: PrepareNeed?, plan: inout Plan
  ) throws(StartFailure) -> Step {
    var sequence = try kongSequence(kong, run: run, need: need, plan: &plan)
    if case .runs(let credentials, _, _) = credentialsAfterExec(
      sequence.state, file: kong.countingCapabilities)
    {
      plan.prepareResult = credentials
    }
    sequence.finishChild(
      Execution(
        path: kong.path,
        arguments: ["kong", "prepare", "-p", request.prefix] + request.kongArguments,
        environment: childEnvironment(for: run.target)))
    // What would go on would keep its capability. Root's own processes have all of them anyway, and among
    // those of a user to whom nothing is dropped may be what `docker exec` has started.
    let endsOrphans = host.isDrop(run.target) && run.target?.uid != 0
    return .run(sequence.steps, endsOrphans: endsOrphans)
  }

  /// That of a hook or of `kong prepare`: the descriptors that NGINX names are for nginx alone.
  private func childEnvironment(for target: TargetUser?) -> [EnvironmentChange] {
    let changes = environment(for: target)
    guard request.environment[InheritedSockets.variable] != nil else { return changes }
    return changes + [EnvironmentChange(name: InheritedSockets.variable, value: .removed)]
  }

  private var workers: WorkerProcesses? { WorkerProcesses(request, host: host) }

  private func environment(for target: TargetUser?) -> [EnvironmentChange] {
    var changes: [EnvironmentChange] = []
    if let target { changes.append(EnvironmentChange(name: "HOME", value: .text(target.home))) }
    if request.environment.nonEmpty("KONG_NGINX_DAEMON") == nil {
      changes.append(EnvironmentChange(name: "KONG_NGINX_DAEMON", value: .text("off")))
    }
    if let workers { changes.append(workers.change) }
    if case .known(let settings) = host.secrets { changes += settings.flatMap { $0.changes } }
    return changes
  }

  /// What will or may make `kong prepare` fail.
  private func prefixWarnings(
    _ prefix: Prefix, _ plan: Plan
  ) throws(StartFailure) -> [Explanation] {
    let user = plan.user ?? host.currentUser
    let check = PrefixCheck(
      request: request, host: host, prefix: prefix, user: user,
      isGiven: plan.prepare.contains {
        if case .changeFile(.givePrefix) = $0 { true } else { false }
      })
    let isDrop = host.credentials.user.effective == 0 && user.uid != 0
    return try check.warnings() + request.warningsOfDaemon + (isDrop ? request.warningsOfLogs : [])
  }

  /// Kong would prepare another prefix than the one that is given away and that nginx is started in.
  private static func isPrefix(_ argument: ByteString) -> Bool {
    argument == "--prefix" || argument.bytes.starts(with: "--prefix=".utf8)
      || argument.bytes.starts(with: "-p".utf8)
  }

  private static func prefixAsArgument(_ argument: ByteString) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "docker-start takes its prefix from KONG_PREFIX, not from \(argument)",
      why: "kong prepare and nginx have to be given the same one",
      waysOut: ["leave it out, and set KONG_PREFIX in the container's environment"])
  }

  // MARK: any other command of Kong's

  /// `kong reload`, `kong health` and the like: as Kong's user, with what their nginx needs.
  private func planKongCommand(_ plan: inout Plan) throws(StartFailure) {
    let target = try host.dropTarget(for: request)
    plan.user = target ?? host.currentUser
    let kong = try program(host.command, name: request.command.first ?? "kong")
    if let target { try checkDrop(to: target) }
    if plan.user?.uid == 0 { plan.launchWarnings.append(Planner.kongRunsAsRoot) }
    var proxy: ProgramFile?
    if case .found(let file)? = host.proxy { proxy = file }
    let run = KongRun(request: request, host: host, target: target, proxy: proxy)
    var need: PrepareNeed?
    plan.workers = workers
    if request.testsListeners {
      let settings = try ConfiguredListeners(environment: request.environment, files: host.files)
      plan.listeners = settings.listeners(with: nil)
      need = try PrepareNeed(
        settings: settings, listeners: plan.listeners, request: request, host: host)
    }
    var sequence = try kongSequence(kong, run: run, need: need, plan: &plan)
    let changesNothing = sequence.steps.isEmpty
    let execution = Execution(
      path: kong.path, arguments: request.command, environment: environment(for: target))
    if case .runs(let credentials, let secureExecution, _) = credentialsAfterExec(
      sequence.state, file: kong.countingCapabilities)
    {
      plan.result = credentials
      plan.secureExecution = secureExecution
    }
    sequence.finish(execution)
    plan.launch =
      host.streamSteps(for: target) + (changesNothing ? [.exec(execution)] : sequence.steps)
    plan.notes += StreamAccess(request: request, host: host, target: target).notes
  }

  /// The steps to a `kong` command, up to its exec.
  ///
  /// - Parameter need: why it needs cap_net_bind_service; nil where it does not.
  /// - Throws: ``StartFailure`` where it could not bind a listener that is known, or not be run at all.
  private func kongSequence(
    _ kong: ProgramFile, run: KongRun, need: PrepareNeed?, plan: inout Plan
  ) throws(StartFailure) -> LaunchSequence {
    let program = kong.countingCapabilities
    guard let bare = run.attempt([], program: program) else { throw shortfall(run).cannotStart }
    guard request.testsListeners else { return sequence(of: bare, run, &plan) }
    if let need, need.isAllowed,
      let attempt = run.attempt(CapabilitySet(.netBindService), program: program)
    {
      plan.prepareGrant = PrepareGrant(grant: attempt.grant, reason: need.reason)
      return sequence(of: attempt, run, &plan)
    }
    if let need, !need.listeners.isEmpty {
      let explanation = shortfall(run).explainForKong(need.need)
      if !need.certain.isEmpty {
        throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
      }
      plan.prepareWarnings.append(explanation)
    }
    plan.prepareGrant = PrepareGrant(
      grant: .none,
      reason: need.map { "though \($0.reason): it cannot be had here" } ?? "nothing is needed")
    return sequence(of: bare, run, &plan)
  }

  private func sequence(
    of attempt: KongRun.Attempt, _ run: KongRun, _ plan: inout Plan
  ) -> LaunchSequence {
    if attempt.secureExecution { plan.prepareWarnings += shortfall(run).ignoredVariables }
    return attempt.sequence
  }

  private func shortfall(_ run: KongRun) -> Shortfall {
    let file = run.proxy ?? ProgramFile(path: request.proxy)
    let choice = GrantChoice(
      request: request, host: host, file: file, target: run.target, mode: request.mode)
    return Shortfall(
      request: request, host: host, file: file, refusal: choice.refusalToWrite)
  }

  // MARK: any other command

  private func planCommand(_ plan: inout Plan) throws(StartFailure) {
    guard let name = request.command.first else { throw Planner.noCommand }
    let target = try host.dropTarget(for: request)
    plan.user = target ?? host.currentUser
    // SET_CAP_* speak of Kong's start, or of a command that is run with --user or --cap. Without
    // these, a command that is not Kong's runs unchanged.
    let isPlain = target == nil && !request.asksOnCommandLine
    let needs = try Needs(
      listeners: [], requests: isPlain ? [] : request.capabilities, snapshot: host)
    plan.needs = needs.needs
    let file = try program(host.command, name: name)
    if let target { try checkDrop(to: target) }
    if request.isPathOfKong, request.command.dropFirst().first == "docker-start" {
      plan.launchWarnings.append(Planner.isNoDockerStart(name, as: plan.user))
    } else if request.isPathOfKong || request.isKong, plan.user?.uid == 0 {
      plan.launchWarnings.append(Planner.kongRunsAsRoot)
    }

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

  private static let kongRunsAsRoot = Explanation(
    what: "the kong command runs as root",
    why: "it is Lua, which the user kong owns in Kong's images: who took over that user once could"
      + " have changed it",
    waysOut: ["run it as that user: --user kong, or ENTRYPOINT_USER=kong"])

  private static func isNoDockerStart(_ name: ByteString, as user: TargetUser?) -> Explanation {
    Explanation(
      what: "\(name) docker-start is run unchanged, as \(user?.description ?? "this user")",
      why: "the start with its drop and its grant has the name `kong docker-start`, without a path",
      waysOut: ["write: kong docker-start, and put the directory of kong on PATH"])
  }

  private static let noCommand = StartFailure(
    status: ExitStatus.usage,
    what: "there is no command to start",
    why: "none was given, and the image has no CMD: ENTRYPOINT in a Dockerfile clears the base"
      + " image's",
    waysOut: [
      "in the Dockerfile, after ENTRYPOINT: CMD [\"kong\", \"docker-start\"]",
      "name it: docker run IMAGE kong docker-start",
    ]
  )

  // MARK: both

  private func launch(
    _ execution: Execution, file: ProgramFile, target: TargetUser?, needs: Needs,
    certain: CapabilitySet = [], prefix: Prefix? = nil, plan: inout Plan
  ) throws(StartFailure) {
    let launch = LaunchPlanner(
      request: request, host: host, file: file, target: target, execution: execution,
      prefix: prefix, certain: certain)
    try launch.plan(needs, into: &plan)
  }

  private var runsAsRoot: Explanation {
    Explanation(
      what: "kong prepare and nginx run as root",
      why: "\(request.userOrigin) \(request.user.map { ByteString($0).description } ?? "") says so:"
        + " Lua code, and every request, is handled as root",
      waysOut: [
        "leave out \(request.userOrigin): as root, kong docker-start drops to the user kong"
      ])
  }

  // MARK: who and where

  private func has(_ capability: Capability) -> Bool {
    host.credentials.effective.contains(capability)
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
      to: target, lacking: lacking, host: host, request: request)
  }

  private func program(
    _ lookup: ProgramLookup, name: ByteString, isProxy: Bool = false
  ) throws(StartFailure) -> ProgramFile {
    switch lookup {
    case .found(let file):
      if let obstacle = file.obstacle { throw obstacle.failure(file.path) }
      return file
    case .absent:
      throw StartFailure(
        status: ExitStatus.notFound,
        what: isProxy ? "there is no nginx at \(name)" : "there is no command \"\(name)\"",
        why: isProxy || name.bytes.contains(UInt8(ascii: "/"))
          ? "no such file" : "no directory on PATH has a file of this name",
        waysOut: isProxy
          ? ["give its path with --proxy PATH or ENTRYPOINT_PROXY"]
          : waysToFind(name))
    case .notExecutable(let path, let reason): throw .notExecutable(path, why: reason)
    }
  }

  private func waysToFind(_ name: ByteString) -> [String] {
    let words = name.bytes.split(separator: UInt8(ascii: " "))
    if words.count > 1 {
      let list = words.map { "\"\(ByteString(Array($0)))\"" }.joined(separator: ", ")
      return ["the name has a blank: write args: [\(list)]"]
    }
    return request.isDockerStart
      ? ["put the directory of kong on PATH"]
      : ["correct the command or PATH", "give the command's full path"]
  }
}

extension HostSnapshot {
  /// The user to become: as asked; else kong for each `kong` command as root; else nobody.
  ///
  /// - Throws: ``StartFailure`` for a user that does not exist.
  package func dropTarget(for request: Request) throws(StartFailure) -> TargetUser? {
    if let user = request.user {
      return try accounts.target(
        user, origin: request.userOrigin, current: credentials, keepsGroups: request.keepsGroups)
    }
    guard request.isKong, credentials.user.effective == 0 else { return nil }
    let kong = try accounts.target(
      "kong", origin: "\(request.kongCommand), started as root", current: credentials,
      keepsGroups: request.keepsGroups)
    guard kong.uid != 0 else { throw HostSnapshot.kongIsRoot }
    return kong
  }

  private static let kongIsRoot = StartFailure(
    status: ExitStatus.configuration,
    what: "the user kong is root: /etc/passwd gives it the uid 0",
    why: "as root, entrypoint drops to the user kong before it runs Lua or nginx",
    waysOut: [
      "give kong a uid of its own in /etc/passwd", "name another user: --user, or ENTRYPOINT_USER",
    ])

  /// Who this process is.
  package var currentUser: TargetUser {
    let account = accounts.users.first { $0.uid == credentials.user.effective }
    return TargetUser(
      name: account?.name, uid: credentials.user.effective, gid: credentials.group.effective,
      groups: credentials.groups, home: account?.home ?? "/")
  }
}
