import Kong
import Nginx
import Text

extension Basis {
  /// What is changed in the environment of the program that the start ends in.
  ///
  /// - Parameters:
  ///   - workers: how many workers nginx has because of a limit; nil where that is for Kong to say.
  ///   - secrets: the settings whose values come from files.
  func environment(
    workers: WorkerProcesses?, secrets: [ResolvedSecret]
  ) -> [EnvironmentChange] {
    var changes: [EnvironmentChange] = []
    if let target { changes.append(EnvironmentChange(name: "HOME", value: .text(target.home))) }
    if request.environment.nonEmpty("KONG_NGINX_DAEMON") == nil {
      changes.append(EnvironmentChange(name: "KONG_NGINX_DAEMON", value: .text("off")))
    }
    if let workers { changes.append(workers.change) }
    return changes + secrets.flatMap { $0.changes }
  }

  /// The same for a hook or `kong prepare`: the descriptors that NGINX names are for nginx alone.
  func childEnvironment(_ changes: [EnvironmentChange]) -> [EnvironmentChange] {
    guard request.environment[InheritedSockets.variable] != nil else { return changes }
    return changes + [EnvironmentChange(name: InheritedSockets.variable, value: .removed)]
  }
}
