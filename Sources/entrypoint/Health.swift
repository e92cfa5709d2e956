import Kong
import Linux
import Plan
import Report
import Settings
import Text

/// `--health`: asks Kong's status listener, or has `kong health` say it.
struct Health {
  var start: Start

  /// Ends the process with 0 if Kong is healthy, and with 1 otherwise.
  func run() -> Never {
    let variables = start.environment.interpreted()
    var log = Log(level: .info, format: .text)
    do throws(StartFailure) {
      log = try start.log(variables)
      let request = try Request(
        command: start.command, options: start.options, environment: variables)
      let snapshot: HostSnapshot
      do { snapshot = try HostSnapshot.read(for: request) } catch { throw error.failure }
      let planner = Planner(request: request, snapshot: snapshot)
      guard let plan = try planner.healthPlan() else { start.run() }
      let executor = Executor(
        environment: start.environment, names: snapshot.capabilityNames, log: log)
      _ = try executor.run(plan.steps)
      if let explanation = StatusRequest.ask(plan.address) {
        log.error(explanation)
        RunningProcess.exit(ExitStatus.unhealthy)
      }
      try StandardOutput.write(
        "Kong is healthy: http://\(plan.address.endpoint)/status answers 200\n")
      RunningProcess.exit(0)
    } catch {
      log.failure(error)
      RunningProcess.exit(error.status)
    }
  }
}
