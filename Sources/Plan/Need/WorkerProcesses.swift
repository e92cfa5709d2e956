import Kong
import Text

/// How many worker processes nginx gets if nobody sets their number: its own `auto` would count the
/// processors of the whole machine.
package struct WorkerProcesses: Equatable, Sendable {
  /// Their number.
  package var count: Int
  /// Why.
  package var limit: CPULimit

  /// The variable that tells Kong, of every version.
  private static let variable = "KONG_NGINX_WORKER_PROCESSES"
  /// The two names that the setting has in Kong, as variables.
  private static let variables = [variable, "KONG_NGINX_MAIN_WORKER_PROCESSES"]

  /// Whether a limit matters to a request: its environment says nothing else.
  package static func mayBeLimited(_ request: Request) -> Bool {
    // A value that somebody set is respected.
    request.testsListeners && request.limitsWorkers
      && !variables.contains { request.environment[$0] != nil }
  }

  /// Decides; nil if it is left to Kong.
  init?(_ request: Request, host: HostSnapshot) {
    guard WorkerProcesses.mayBeLimited(request), let limit = host.cpuLimit,
      limit.usable < limit.online
    else { return nil }
    if let file = host.files.configuration?.configuration,
      file["nginx_worker_processes"] != nil || file["nginx_main_worker_processes"] != nil
    {
      return nil
    }
    count = limit.usable
    self.limit = limit
  }

  /// What tells Kong.
  var change: EnvironmentChange {
    EnvironmentChange(name: WorkerProcesses.variable, value: .text(ByteString(String(count))))
  }

  /// In one line, for the log.
  package var text: String {
    "\(WorkerProcesses.variable)=\(count), because \(reason); ENTRYPOINT_WORKERS=off leaves it to Kong"
  }

  /// Why it is not the number of processors.
  package var reason: String { limit.text }
}
