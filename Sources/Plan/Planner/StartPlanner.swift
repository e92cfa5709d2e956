import Capabilities
import Kong
import Text

/// Makes the plan of a start, by what the command is to it.
struct StartPlanner {
  let request: Request
  var host: HostSnapshot
  /// The listeners of Kong's settings; nil for a command that binds none.
  let configured: ListenerReading?
  /// What to advise a root that may not change its user: all that the start needs; nil where that is not
  /// known.
  let neededByRoot: CapabilitySet?

  /// The plan; where the start cannot succeed, it has a failure.
  func plan() -> Plan {
    var plan = Plan(command: request.command)
    do throws(StartFailure) {
      if let failure = host.credentials.halfRoot { throw failure }
      plan.secrets = try host.secrets.get()
      plan.prepareWarnings = request.warnings(files: host.files, secrets: plan.secrets)
      plan.prepareWarnings += waitWarnings
    } catch {
      return plan.failing(error)
    }
    let direct =
      switch request.role {
      case .dockerStart: dockerStart(plan)
      case .kongCommand: kongCommand(plan)
      case .otherCommand: otherCommand(plan)
      }
    return direct.supervised(by: request, on: host)
  }

  /// The request and the machine, with the user looked up.
  ///
  /// - Throws: ``StartFailure`` for a user that does not exist.
  func basis() throws(StartFailure) -> Basis { try Basis(request, host) }

  /// Ends the plan where this process cannot become the user.
  func checkDrop(_ basis: Basis) throws(StartFailure) {
    if let failure = basis.refusedDrop(needed: neededByRoot) { throw failure }
  }

  /// The listeners of Kong's settings.
  ///
  /// - Throws: ``StartFailure`` that says which setting is wrong.
  func listeners() throws(StartFailure) -> ConfiguredListeners {
    try (configured ?? ListenerReading(request, files: host.files)).get()
  }
}
