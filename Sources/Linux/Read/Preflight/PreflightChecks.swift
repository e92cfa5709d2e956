import Capabilities
package import Plan
package import Preflight
import Text

/// The checks of a start, each with the facts that it needs.
///
/// A check that could hang, or be misled by files of the user, runs in a process of its own, as the user,
/// without privileges and with a time limit. If that process fails, only its check is lost.
package struct PreflightChecks {
  private let start: CheckedStart
  private let user: TargetUser

  /// The checks of `kong docker-start`.
  ///
  /// - Returns: nil if it is not known who would run nginx: then the plan says why.
  package init?(_ start: CheckedStart) {
    guard let user = start.plan.user else { return nil }
    (self.start, self.user) = (start, user)
  }

  /// Makes these checks, in their order.
  package func findings(of names: [CheckName]) -> [Finding] {
    guard start.request.isDockerStart else {
      return names.map { Finding($0, .skipped("the command is not kong docker-start")) }
    }
    return names.flatMap { findings(of: $0) }
  }

  private func findings(of name: CheckName) -> [Finding] {
    switch name {
    case .address:
      asUser(name) {
        start.eachListener(name) { _, listener in
          AddressCheck.verdict(
            on: listener, AddressState.read(of: listener), user: user, isRoot: start.isRoot)
        }
      }
    case .hostportHijack: hostportHijack(patience: 300)
    }
  }

  /// - Parameter patience: how long an answer is waited for, in milliseconds.
  private func hostportHijack(patience: Int) -> [Finding] {
    guard HostNetwork.isLikely() else {
      return [Finding(.hostportHijack, .skipped("this is not the network of a node"))]
    }
    let listeners = start.checkedListeners
    let outcome = ConfinedProcess.run(
      as: user, own: start.snapshot.credentials, patience: PreflightChecks.patience,
      keeping: boundPorts
    ) { ArrivalProbe.run(listeners, patience: patience) }
    var arrivals: [Arrivals]
    switch outcome {
    case .success(let all) where all.count == listeners.count: arrivals = all
    case .success: arrivals = listeners.map { _ in .untried("the answer has another length") }
    case .failure(let failure): arrivals = listeners.map { _ in .untried(failure.reason) }
    }
    ConnectionTracking.addDestinations(to: &arrivals)
    return start.eachListener(.hostportHijack) { index, listener in
      HostportHijackCheck.verdict(on: listener, arrivals[index])
    }
  }

  /// What nginx will have to bind ports with.
  private var boundPorts: CapabilitySet {
    start.plan.result?.effective.intersection(CapabilitySet(.netBindService)) ?? []
  }

  /// How long one check may take, in milliseconds.
  private static let patience = 900

  /// Finds something in a process without privileges.
  private func asUser(_ name: CheckName, _ find: () -> [Finding]) -> [Finding] {
    let outcome = ConfinedProcess.run(
      as: user, own: start.snapshot.credentials, patience: PreflightChecks.patience, find)
    switch outcome {
    case .success(let findings): return findings.filter { $0.name == name }
    case .failure(let failure): return [Finding(name, .skipped(failure.reason))]
    }
  }
}
