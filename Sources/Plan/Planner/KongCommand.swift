import Capabilities
import Kong
import Text

extension StartPlanner {
  /// Plans any other command of Kong's, such as `kong reload`: as Kong's user, with what its nginx needs.
  ///
  /// - Parameter opening: what is known of any start.
  func kongCommand(_ opening: Plan) -> Plan {
    var plan = opening
    do throws(StartFailure) {
      let basis = try basis()
      plan.user = basis.user
      let kong = try basis.command(named: request.command.first ?? "kong")
      try checkDrop(basis)
      plan.wait = try wait()
      if basis.user.uid == 0 { plan.launchWarnings.append(Explanation.kongRunsAsRoot) }
      plan.workers = WorkerProcesses(request, host: host)
      var need: PrepareNeed?
      if request.testsListeners {
        let configured = try listeners()
        plan.listeners = configured.listeners(with: nil)
        need = PrepareNeed(
          settings: configured,
          needs: try Needs(
            listeners: plan.listeners,
            // The others are for nginx, which this command does not start.
            requests: request.capabilities.filter {
              host.capabilityNames.capability(named: $0.name) == .netBindService
            },
            snapshot: host),
          request: request, host: host)
      }
      // Without nginx, `kong` says so itself.
      let run = KongRun(basis: basis, proxy: host.proxy?.file)
      let decision = try KongDecision(kong, run: run, need: need)
      plan.prepareGrant = decision.grant
      plan.prepareWarnings += decision.warnings
      if case .runs(let credentials, let secureExecution, _) = credentialsAfterExec(
        decision.sequence.state, file: kong.capabilitiesHonoredAtExec)
      {
        plan.result = credentials
        plan.secureExecution = secureExecution
      }
      let execution = Execution(
        path: kong.path, arguments: request.command,
        environment: basis.environment(workers: plan.workers, secrets: plan.secrets))
      // Where nothing is changed, there is nothing to read back.
      plan.launch =
        (plan.wait.map { [basis.step(of: $0)] } ?? []) + basis.streamSteps
        + (decision.sequence.steps.isEmpty
          ? [.exec(execution)] : decision.sequence.ending(in: execution))
      plan.notes += StreamAccess(basis: basis).notes
      return plan
    } catch {
      return plan.failing(error)
    }
  }
}

extension Explanation {
  /// What is said of a `kong` that keeps root's rights.
  static let kongRunsAsRoot = Explanation(
    what: "the kong command runs as root",
    why:
      "it is Lua code that the user kong owns in Kong's images: whoever took over that user could"
      + " have changed it",
    waysOut: ["run it as that user: --user kong, or ENTRYPOINT_USER=kong"])
}

extension ProgramLookup {
  /// The file; nil where there is none that can be executed.
  fileprivate var file: ProgramFile? {
    if case .found(let file) = self { file } else { nil }
  }
}
