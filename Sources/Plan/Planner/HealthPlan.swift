import Capabilities
package import Kong
package import Text

/// How `--health` asks Kong's status listener: as the user kong, without any capability.
package struct HealthPlan: Equatable, Sendable {
  /// Where to ask.
  package let address: StatusAddress
  /// What this process gives up before it asks.
  package let steps: [Step]
}

extension Planner {
  /// Plans a request to the status listener.
  ///
  /// - Returns: nil if the environment names no listener that can be asked: then `kong health` knows.
  /// - Throws: ``StartFailure`` if this process cannot become Kong's user.
  package func healthPlan() throws(StartFailure) -> HealthPlan? {
    guard let address = StatusAddress(request.environment) else { return nil }
    if let failure = snapshot.credentials.halfRoot { throw failure }
    let basis = try Basis(request, snapshot)
    if let failure = basis.refusedDrop(needed: nil) { throw failure }
    var sequence = LaunchSequence(from: snapshot.credentials)
    sequence.retire(to: basis.user, keeping: [])
    return HealthPlan(address: address, steps: sequence.steps + [.verify(sequence.state)])
  }
}
