import Kong
import Linux
import Plan
import Preflight
import Report
import Settings
import Text

/// `--check`: looks for what would keep Kong from being reached; changes nothing, runs nothing.
struct Check {
  var start: Start
  var format: CheckFormat

  /// Prints what the checks find on standard output, and ends the process: with the status that a start
  /// would have if its plan cannot succeed, with 78 if a check has found a certain failure, otherwise with
  /// 0.
  func run() -> Never {
    let variables = start.environment.interpreted()
    do throws(StartFailure) {
      let request = try Request(
        command: start.command, options: start.options, environment: variables)
      let snapshot: HostSnapshot
      do { snapshot = try HostSnapshot.read(for: request, isDryRun: true) } catch {
        throw error.failure
      }
      let planner = Planner(request: request, snapshot: snapshot)
      let checked = CheckedStart(
        planner, planner.plan(), variables: start.environment.ofChecks())
      let findings = PreflightChecks(checked)?.findings(of: request.checks.names) ?? []
      let report = CheckReport(checked.plan, findings)
      try print(report, isPlain: variables.nonEmpty("NO_COLOR") != nil)
      RunningProcess.exit(report.status)
    } catch {
      fail(error, variables)
    }
  }

  private func print(_ report: CheckReport, isPlain: Bool) throws(StartFailure) {
    switch format {
    case .text:
      try StandardOutput.write(report.text(isColored: StandardOutput.isTerminal && !isPlain))
    case .json: try StandardOutput.write(report.json.lines + "\n")
    }
  }

  /// Reports a failure from before there was a plan; as JSON, in the form of a report.
  private func fail(_ failure: StartFailure, _ variables: Environment) -> Never {
    var plan = Plan(command: start.command)
    plan.failure = failure
    if format == .json {
      do throws(StartFailure) {
        try print(CheckReport(plan, []), isPlain: true)
        RunningProcess.exit(failure.status)
      } catch {
        // Standard output cannot be written, so standard error gets it.
      }
    }
    start.logOrDefault(variables).failure(failure)
    RunningProcess.exit(failure.status)
  }
}
