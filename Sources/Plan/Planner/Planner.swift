import Capabilities
package import Text

/// Decides: what is asked and what the machine is like go in, a plan comes out.
///
/// Pure, so that a plan can be printed, tested, and made again when there is more to know.
package struct Planner {
  /// What is asked, with the settings whose values are in files.
  package let request: Request
  /// What the machine is like; it can be looked at again while the start runs.
  package var snapshot: HostSnapshot
  private let configured: ListenerReading?

  /// Creates a planner for one request on one machine, and parses Kong's settings.
  package init(request: Request, snapshot: HostSnapshot) {
    self.request = request.including(snapshot.secrets)
    self.snapshot = snapshot
    configured =
      request.testsListeners ? ListenerReading(self.request, files: snapshot.files) : nil
  }

  /// Makes the plan; where a start cannot succeed, it has a failure.
  package func plan() -> Plan {
    StartPlanner(
      request: request, host: snapshot, configured: configured, neededByRoot: neededByRoot
    ).plan()
  }

  /// Finds the least that a container must be given for this start.
  ///
  /// - Throws: ``StartFailure`` where no set of capabilities would make the start succeed.
  package func leastPrivileges() throws(StartFailure) -> LeastPrivileges {
    try LeastPrivileges(
      StartPlanner(request: request, host: snapshot, configured: configured, neededByRoot: nil))
  }

  /// All that a root needs that may not change its user; nil where that is not the case, or not known.
  private var neededByRoot: CapabilitySet? {
    let credentials = snapshot.credentials
    guard credentials.user.effective == 0,
      !CapabilitySet([.setgid, .setuid]).isSubset(of: credentials.effective)
    else { return nil }
    return (try? leastPrivileges())?.capabilities
  }
}
