import Report
package import Capabilities
import Kong
package import Plan
package import Text

/// Carries out the steps of a plan, one after another, and decides nothing.
package struct Executor {
  private let environment: EnvironmentBlock
  private let names: CapabilityNames
  private let log: Log
  /// In a child, the process that forked it.
  private var parent: RunningProcess?

  /// - Parameters:
  ///   - environment: the environment from execve(2); programs get it with the plan's changes.
  ///   - names: for messages.
  package init(environment: EnvironmentBlock, names: CapabilityNames, log: Log) {
    self.environment = environment
    self.names = names
    self.log = log
  }

  /// Runs the steps; if the last is an exec, it does not return.
  ///
  /// - Parameter announcement: what is said right before the exec, when it is true.
  /// - Returns: nil if all steps were carried out; otherwise why the kernel refuses to change a file's
  ///   capabilities. The steps before that one were carried out, the others were not.
  /// - Throws: ``StartFailure`` at the first step that fails. Earlier changes stay, so the process has to
  ///   end.
  package func run(
    _ steps: [Step], announcing announcement: String? = nil
  ) throws(StartFailure) -> RefusedWrite? {
    for step in steps {
      if case .exec = step, let announcement { log.info(announcement) }
      log.debug("\(step.name) \(step.detail(names))")
      if let refusal = try carryOut(step, announcing: announcement) { return refusal }
    }
    return nil
  }

  private func carryOut(
    _ step: Step, announcing announcement: String?
  ) throws(StartFailure) -> RefusedWrite? {
    switch step {
    case .change(let change): try carryOut(change)
    case .changeFile(let change): return try carryOut(change)
    case .inPrefix(let prefix, let act): carryOut(act, in: prefix)
    case .run(let steps, let endsOrphans): try runChild(steps, endsOrphans: endsOrphans)
    case .supervise(let supervisor, let steps):
      try supervise(supervisor, steps, announcing: announcement)
    case .wait(let wait): try ServiceWaiting(wait, log: log).run()
    case .endWithParent: try call(ProcessAttribute.endWith(parent))
    case .closeDescriptors(let kept): try call(OpenDescriptors.close(keeping: kept))
    case .verify(let planned): try verify(planned)
    case .exec(let execution): try ProgramExecution.run(execution, environment: environment)
    }
    return nil
  }

  private func carryOut(_ change: CredentialChange) throws(StartFailure) {
    switch change {
    case .dropBounding(let set, _): try call(ProcessCapabilities.dropBounding(set))
    case .keepCapabilities: try call(ProcessAttribute.keepCapabilities())
    case .setGroups(let groups): try call(ProcessIdentity.setGroups(groups))
    case .setGroup(let gid): try call(ProcessIdentity.setGroup(gid))
    case .setUser(let uid):
      try call(ProcessIdentity.setUser(uid))
      // The change of user may have reset it.
      try call(ProcessAttribute.forbidTracing())
    case .setCapabilities(let permitted, let inheritable, let effective):
      try call(
        ProcessCapabilities.set(
          permitted: permitted, inheritable: inheritable, effective: effective))
    case .clearAmbient: try call(ProcessCapabilities.clearAmbient())
    case .raiseAmbient(let set):
      do { try ProcessCapabilities.raiseAmbient(set) } catch {
        throw error.ambientFailure(set, names: names)
      }
    case .setNoNewPrivileges: try call(ProcessAttribute.setNoNewPrivileges())
    }
  }

  private func carryOut(_ change: FileChange) throws(StartFailure) -> RefusedWrite? {
    switch change {
    case .givePrefix(let prefix, let uid, let gid): try give(prefix, to: uid, group: gid)
    case .giveStream(let stream, let uid): give(stream, to: uid)
    case .setCapabilities(let set, let file): return try write(set, to: file)
    case .removeCapabilities(let file): return try write(nil, to: file)
    }
    return nil
  }

  private func carryOut(_ act: PrefixAct, in prefix: Prefix) {
    switch act {
    case .removeStalePid: removeStalePid(in: prefix)
    case .removeStaleSockets: removeStaleSockets(in: prefix)
    case .linkLogs: linkLogs(in: prefix)
    }
  }

  /// Makes a call whose failure ends the start.
  private func call(
    _ body: @autoclosure () throws(SystemCallFailure) -> Void
  ) throws(StartFailure) {
    do { try body() } catch { throw error.failure }
  }

  private func write(
    _ set: CapabilitySet?, to file: ProgramFile
  ) throws(StartFailure) -> RefusedWrite? {
    let what =
      set.map { "\(names.list(of: $0)) cannot be written to \(file.path)" }
      ?? "the file capabilities of \(file.path) cannot be removed"
    do { return try FileCapabilities.write(set, to: file)?.refusedWrite(what: what) } catch {
      throw error.failure(what: what)
    }
  }

  private func runChild(_ steps: [Step], endsOrphans: Bool) throws(StartFailure) {
    var executor = self
    executor.parent = .current
    let name = steps.purpose
    let ended = try ChildProcess.run(
      name: name, uid: steps.targetUser, endsOrphans: endsOrphans
    ) { signals, hasExplained in
      do throws(StartFailure) {
        try call(signals.unblock())
        // No child changes file capabilities.
        if let refusal = try executor.run(steps) { throw refusal.failure }
        RunningProcess.exit(0)
      } catch {
        log.failure(error)
        hasExplained.set()
        RunningProcess.exit(error.status)
      }
    }
    if !ended.isEmpty { log.warning(.orphansEnded(of: name, ended)) }
  }

  /// Has a child become the command, and stays as its parent; returns only by throwing.
  private func supervise(
    _ supervisor: Supervisor, _ steps: [Step], announcing announcement: String?
  ) throws(StartFailure) -> Never {
    let outOfMemoryKills = OutOfMemoryKills.count()
    let mask: SignalSet
    do { mask = try SignalSet.all.block() } catch { throw error.failure }
    do throws(StartFailure) {
      if !RunningProcess.isFirst { try call(ProcessAttribute.adoptOrphans(true)) }
      let command = try SupervisedCommand.start(
        retire: { () throws(StartFailure) in
          try retire(supervisor)
        },
        launch: { parent, terminal, failure in
          launch(steps, announcing: announcement, parent, terminal, mask, failure)
        })
      if let refusal = try run(supervisor.stepsBesideCommand) { throw refusal.failure }
      var process = CommandSupervisor(
        supervisor, command, outOfMemoryKills: outOfMemoryKills, log: log)
      do { try process.run() } catch { throw error.failure }
    } catch {
      // The child may have ended before it was told to begin.
      SignalSet.forgetBrokenPipe()
      // From here on a stop signal must work, even while a message waits for a pipe that nobody reads.
      try call(mask.restore())
      throw error
    }
  }

  /// Gives up all that a supervisor does not need.
  private func retire(_ supervisor: Supervisor) throws(StartFailure) {
    if let refusal = try run(supervisor.steps) { throw refusal.failure }
    try call(RunningProcess.enterRootDirectory())
    // Scripts of Kong's user write to /proc/1/fd/1 as `docker logs` shows it. Nothing is to be had from this
    // process that they could not have anyway: what the engine may have left open is closed.
    if supervisor.credentials.permitted.isEmpty { try call(ProcessAttribute.allowTracing()) }
  }

  /// What the child does; it returns with the status of a failure.
  private func launch(
    _ steps: [Step], announcing announcement: String?, _ parent: RunningProcess,
    _ terminal: Supervision.Terminal, _ mask: SignalSet, _ failure: SystemCallFailure?
  ) -> Int32 {
    var executor = self
    executor.parent = parent
    do throws(StartFailure) {
      if let failure { throw failure.failure }
      // SIGTTOU is blocked until then.
      if terminal != .none { try call(Terminal.take()) }
      try call(mask.restore())
      if let refusal = try executor.run(steps, announcing: announcement) { throw refusal.failure }
      return 0
    } catch {
      log.failure(error)
      return error.status
    }
  }

  private func give(_ prefix: Prefix, to uid: UInt32, group gid: UInt32) throws(StartFailure) {
    let report = try PrefixOwnership.give(prefix, to: uid, gid: gid)
    if report.isComplete { return }
    let held = ProcessCapabilities.effective
    for warning in report.warnings(prefix: prefix, user: String(uid), held: held) {
      log.warning(warning)
    }
  }

  private func removeStalePid(in prefix: Prefix) {
    let outcome = StalePid.remove(in: prefix.path)
    if let warning = outcome.warning(prefix: prefix.path) { log.warning(warning) }
  }

  private func removeStaleSockets(in prefix: Prefix) {
    let report = StaleSockets.remove(in: prefix.path)
    for warning in report.warnings(prefix: prefix.path) { log.warning(warning) }
  }

  private func linkLogs(in prefix: Prefix) {
    for warning in LogLinks.make(in: prefix.path).warnings { log.warning(warning) }
  }

  private func give(_ stream: StandardStream, to uid: UInt32) {
    do {
      try stream.give(to: uid)
    } catch {
      log.warning(
        Explanation(
          what:
            "\(stream.name) still belongs to uid \(stream.uid): the command may be unable to open"
            + " /dev/\(stream.name)",
          why:
            "\(error.call) failed (\(error.errno)); in a user namespace the engine may have created it"
            + " as a user outside",
          waysOut: [
            "start the container with a terminal: docker run -t, Kubernetes tty: true",
            "have it log to files; Kong: KONG_PROXY_ACCESS_LOG, KONG_PROXY_ERROR_LOG, KONG_ADMIN_ACCESS_LOG, ...",
          ]))
    }
  }

  /// Reads the credentials back, and fails if they differ from the plan.
  private func verify(_ planned: Credentials) throws(StartFailure) {
    let found: Credentials
    do { found = try ProcessStatus.read() } catch { throw error.failure }
    guard found != planned else { return }
    throw StartFailure(
      status: ExitStatus.notPermitted,
      what: "the credentials before exec differ from the plan",
      why: planned.differences(to: found, names: names).joined(separator: "; "),
      waysOut: [
        "look for a security module, a seccomp profile or a container runtime that changes what"
          + " setuid(2) and capset(2) do",
        "report it with the output of entrypoint --dry-run --format json COMMAND",
      ])
  }
}
