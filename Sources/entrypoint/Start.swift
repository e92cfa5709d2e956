import Capabilities
import Kong
import Linux
import Plan
import Preflight
import Report
import Settings
import Text

/// A start, from the request to the exec of the command.
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
      RunningProcess.exit(error.status)
    }
    // Not reached: a plan without a failure ends in an exec.
    RunningProcess.exit(ExitStatus.notExecutable)
  }

  private func start(_ request: Request, log: Log) throws(StartFailure) {
    let snapshot: HostSnapshot
    do { snapshot = try HostSnapshot.read(for: request) } catch { throw error.failure }
    let executor = Executor(
      environment: environment, names: snapshot.capabilityNames, log: log)
    var course = try Course(
      Planner(request: request, snapshot: snapshot), executor: executor, log: log)
    course.warn(course.plan.prepareWarnings)
    if let workers = course.plan.workers { log.info(workers.text) }
    if !course.plan.prepare.isEmpty {
      let began = FileTime()
      do throws(StartFailure) { try course.run { $0.prepare } } catch {
        course.explain(error, since: began)
        throw error
      }
      try course.lookAgain()
    }
    course.warn(course.plan.launchWarnings)
    course.warn(course.certainFindings)
    for note in course.plan.notes { log.debug(note) }
    try course.run { $0.launch.dropLast() }
    try course.run(announcing: course.plan.summary(snapshot.capabilityNames)) {
      $0.launch.suffix(1)
    }
  }

  /// The log that options and variables ask for.
  func log(_ variables: Environment) throws(StartFailure) -> Log {
    let level: LogLevel? = try variables.choice("ENTRYPOINT_LOG_LEVEL")
    let format: LogFormat? = try variables.choice("ENTRYPOINT_LOG_FORMAT")
    return Log(level: logLevel ?? level ?? .info, format: logFormat ?? format ?? .text)
  }

  /// The same, or the default log if one of the variables has a bad value.
  func logOrDefault(_ variables: Environment) -> Log {
    do { return try log(variables) } catch { return Log(level: .info, format: .text) }
  }
}

/// A running start: what is known, and the plan made of it.
private struct Course {
  private var planner: Planner
  private(set) var plan: Plan
  private let executor: Executor
  private let log: Log
  private var warnings: [Explanation] = []

  init(_ planner: Planner, executor: Executor, log: Log) throws(StartFailure) {
    self.planner = planner
    self.executor = executor
    self.log = log
    plan = try Course.plan(planner)
  }

  private static func plan(_ planner: Planner) throws(StartFailure) -> Plan {
    let plan = planner.plan()
    if let failure = plan.failure { throw failure }
    return plan
  }

  /// Reads again and plans again: much can have changed while `kong prepare` waited for a database.
  mutating func lookAgain() throws(StartFailure) {
    do { planner.snapshot = try planner.snapshot.readAgain(for: planner.request) } catch {
      throw error.failure
    }
    plan = try Course.plan(planner)
    warnings = []
  }

  /// Why nobody would reach Kong, as far as that is certain and found out at nearly no cost.
  var certainFindings: [Explanation] {
    let start = CheckedStart(planner, plan)
    return PreflightChecks(start)?.certain(of: planner.request.checks.names) ?? []
  }

  /// Logs each warning once for each reading.
  mutating func warn(_ explanations: [Explanation]) {
    for explanation in explanations where !warnings.contains(explanation) {
      log.warning(explanation)
      warnings.append(explanation)
    }
  }

  /// Runs one part of the plan.
  ///
  /// If the kernel refuses to change a file's capabilities, the planner runs again with that fact, and
  /// finds another way or says why there is none. The steps before may then run twice: each one leaves
  /// alone what is already right, and none of them changes this process.
  ///
  /// - Parameter announcement: what is said right before the exec.
  mutating func run(
    announcing announcement: String? = nil, _ part: (Plan) -> [Step]
  ) throws(StartFailure) {
    guard let refusal = try executor.run(part(plan), announcing: announcement) else { return }
    log.info("\(refusal.what): \(refusal.why); planning again without it")
    planner.snapshot.refusedWrite = refusal
    let isLaunch = plan.prepare.isEmpty
    plan = try Course.plan(planner)
    warn(isLaunch ? plan.launchWarnings : plan.prepareWarnings)
    if let refusal = try executor.run(part(plan)) { throw refusal.failure }
  }
  /// Reports what keeps nginx from starting if that made `kong prepare` fail: `nginx -t` says what is
  /// wrong, but not what to do.
  ///
  /// - Parameter began: a moment before `kong prepare` began.
  func explain(_ failure: StartFailure, since began: FileTime) {
    // A signal, or a child that has already reported its failure.
    guard let user = plan.user, failure.explanation != nil, failure.status < ExitStatus.signal(0)
    else { return }
    let obstacles = NginxObstacle.find(
      in: planner.request.prefix, as: user, own: planner.snapshot.credentials, since: began)
    let isRoot = planner.snapshot.credentials.user.effective == 0
    for obstacle in obstacles {
      log.error(obstacle.naming(plan.listeners).explanation(for: user, isRoot: isRoot))
    }
  }
}
