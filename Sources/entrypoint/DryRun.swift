import Kong
import Linux
import Plan
import Report
import Settings
import Text

/// `--dry-run`: prints the plan, changes nothing, runs nothing.
struct DryRun {
  var start: Start
  var format: PlanFormat

  /// Prints the plan on standard output and ends the process with 0 if the plan can succeed, or with
  /// the status that a start would have.
  func run() -> Never {
    let variables = start.environment.interpreted()
    do throws(StartFailure) {
      let asked = try Request(
        command: start.command, options: start.options, environment: variables)
      let snapshot = try read(for: asked)
      let planner = Planner(request: asked, snapshot: snapshot)
      switch format {
      case .text, .json:
        let plan = planner.plan()
        try print(plan, snapshot: snapshot, isPlain: variables.nonEmpty("NO_COLOR") != nil)
        RunningProcess.exit(plan.failure?.status ?? 0)
      case .docker:
        let least = try planner.leastPrivileges()
        if let note = least.networkNote { try start.log(variables).warning(note) }
        try StandardOutput.write(least.dockerFlags(snapshot.capabilityNames) + "\n")
      case .kubernetes:
        let least = try planner.leastPrivileges()
        try StandardOutput.write(
          least.kubernetesContext(snapshot.capabilityNames, prefix: planner.request.prefix) + "\n")
      }
      RunningProcess.exit(0)
    } catch {
      report(error, variables)
      RunningProcess.exit(error.status)
    }
  }

  private func read(for request: Request) throws(StartFailure) -> HostSnapshot {
    do { return try HostSnapshot.read(for: request, isDryRun: true) } catch { throw error.failure }
  }

  private func print(_ plan: Plan, snapshot: HostSnapshot, isPlain: Bool) throws(StartFailure) {
    guard format == .text else { return try print(PlanReport(plan, snapshot: snapshot)) }
    let isColored = StandardOutput.isTerminal && !isPlain
    try StandardOutput.write(PlanText(plan, snapshot: snapshot, isColored: isColored).render())
  }

  private func print(_ report: PlanReport) throws(StartFailure) {
    try StandardOutput.write(report.json.lines + "\n")
  }

  /// Reports a failure from before there was a plan; as JSON, in the form of a plan.
  private func report(_ failure: StartFailure, _ variables: Environment) {
    if format == .json {
      var plan = Plan(command: start.command)
      plan.failure = failure
      do {
        return try print(PlanReport(plan, snapshot: nil))
      } catch {
        // Standard output cannot be written, so standard error gets it.
      }
    }
    start.logOrDefault(variables).failure(failure)
  }
}
