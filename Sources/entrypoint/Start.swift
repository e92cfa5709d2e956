import EntrypointPlan
import EntrypointSystem
import Glibc

/// A start: from the request to the exec of the command.
struct Start {
  let command: [ByteString]
  let options: Options
  let environment: EnvironmentBlock
  private let logLevel: LogLevel?
  private let logFormat: LogFormat?

  init(_ invocation: Invocation, environment: EnvironmentBlock) {
    command = invocation.command
    options = invocation.options
    logLevel = invocation.logLevel
    logFormat = invocation.logFormat
    self.environment = environment
  }

  /// Runs the command, or ends the process with a message and the status that says why.
  func run() -> Never {
    let variables = environment.interpreted()
    var log = Log(level: logLevel ?? .info, format: logFormat ?? .text)
    do throws(StartFailure) {
      log = try self.log(variables)
      let request = try Request(command: command, options: options, environment: variables)
      try start(request, log: log)
    } catch {
      log.failure(error)
      exit(error.status)
    }
    // A plan that has no failure ends in an exec.
    exit(ExitStatus.notExecutable)
  }

  private func start(_ request: Request, log: Log) throws(StartFailure) {
    let snapshot: HostSnapshot
    do { snapshot = try HostSnapshot.read(for: request) } catch { throw error.failure }
    let request = request.including(snapshot.secrets)
    let plan = try plan(request, snapshot)
    for warning in plan.prepareWarnings { log.warning(warning) }
    let executor = Executor(
      environment: environment, names: snapshot.capabilityNames, log: log)
    if plan.prepare.isEmpty {
      try launch(plan, executor: executor, log: log, names: snapshot.capabilityNames)
    } else {
      try executor.run(plan.prepare)
      // Much can have changed while `kong prepare` waited for a database: look again.
      let later: HostSnapshot
      do { later = try snapshot.readAgain(for: request) } catch { throw error.failure }
      let after = try self.plan(request, later)
      try launch(after, executor: executor, log: log, names: snapshot.capabilityNames)
    }
  }

  private func plan(_ request: Request, _ snapshot: HostSnapshot) throws(StartFailure) -> Plan {
    let plan = Planner(request: request, snapshot: snapshot).plan()
    if let failure = plan.failure { throw failure }
    return plan
  }

  private func launch(
    _ plan: Plan, executor: Executor, log: Log, names: CapabilityNames
  ) throws(StartFailure) {
    for warning in plan.launchWarnings { log.warning(warning) }
    for note in plan.notes { log.debug(note) }
    // Said when it is true: after the grant, right before the exec.
    try executor.run(plan.launch.dropLast())
    if let summary = plan.summary(names) { log.info(summary) }
    try executor.run(plan.launch.suffix(1))
  }

  /// The log that options and variables ask for.
  func log(_ variables: Environment) throws(StartFailure) -> Log {
    let level: LogLevel? = try variables.choice("ENTRYPOINT_LOG_LEVEL")
    let format: LogFormat? = try variables.choice("ENTRYPOINT_LOG_FORMAT")
    return Log(level: logLevel ?? level ?? .info, format: logFormat ?? format ?? .text)
  }
}
