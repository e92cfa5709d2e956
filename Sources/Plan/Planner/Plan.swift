package import Capabilities
package import Kong
package import Nginx
package import Services
package import Text

/// All that a start will do, decided beforehand.
package struct Plan: Equatable, Sendable {
  /// The command as it was given.
  package var command: [ByteString]
  /// The user that it runs as.
  package var user: TargetUser?
  /// The settings whose values come from files.
  package var secrets: [ResolvedSecret] = []
  /// Every address that Kong is told to listen on.
  package var listeners: [Listener] = []
  /// What the command needs, sorted by number.
  package var needs: [Need] = []
  /// How it gets that.
  package var grant: Grant = .none
  /// What `kong prepare` gets, or another `kong` command; nil where it binds nothing.
  package var prepareGrant: PrepareGrant?
  /// What `kong prepare` has once it runs; nil where it does not run.
  package var prepareResult: Credentials?
  /// What is waited for before the first program runs; nil for nothing.
  package var wait: ServiceWait?
  /// How many workers nginx has because of a limit; nil where that is for Kong to say.
  package var workers: WorkerProcesses?
  /// The steps up to and including `kong prepare`.
  package var prepare: [Step] = []
  /// The steps from there to the exec of the command.
  package var launch: [Step] = []
  /// What the command has once it runs.
  package var result: Credentials?
  /// Whether the dynamic linker runs it in secure-execution mode (ld.so(8)).
  package var secureExecution = false
  /// What will not be as asked up to `kong prepare`, though the start goes on.
  package var prepareWarnings: [Explanation] = []
  /// What will not be as asked from there on.
  ///
  /// It can look different once `kong prepare` has run and the listeners are known, so it is for the
  /// launch to say.
  package var launchWarnings: [Explanation] = []
  /// What is not done because it cannot be done here; nothing is lost by it.
  package var notes: [String] = []
  /// Why the plan cannot succeed here; nil if it can.
  package var failure: StartFailure?

  /// What will not be as asked, all in all.
  package var warnings: [Explanation] { prepareWarnings + launchWarnings }

  /// An empty plan for a command.
  package init(command: [ByteString]) {
    self.command = command
  }
}

extension Plan {
  /// Adds the launch, or why there is none.
  mutating func launch(_ outcome: LaunchPlanner.Outcome) throws(StartFailure) {
    launchWarnings += outcome.warnings
    let launch = try outcome.launch()
    grant = launch.grant
    self.launch = launch.steps
    result = launch.result
    secureExecution = launch.secureExecution
    launchWarnings += launch.warnings
    notes += launch.notes
  }

  /// The same plan, known to fail: nothing is done.
  func failing(_ failure: StartFailure) -> Plan {
    var plan = self
    plan.failure = failure
    plan.prepare = []
    plan.launch = []
    return plan
  }
}
