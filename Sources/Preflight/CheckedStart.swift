import Capabilities
package import Kong
package import Nginx
package import Plan
import Text

/// A start that is checked: what is asked, what the machine is like, and the plan made of both.
package struct CheckedStart: Sendable {
  /// What is asked.
  package let request: Request
  /// What the machine is like.
  package let snapshot: HostSnapshot
  /// The plan; it may be one that cannot succeed.
  package let plan: Plan
  /// The variables that only checks look at.
  package let variables: [Environment.Variable]

  /// A start with the plan that a planner has made of it.
  ///
  /// - Parameter variables: those that only checks look at.
  package init(_ planner: Planner, _ plan: Plan, variables: [Environment.Variable] = []) {
    request = planner.request
    snapshot = planner.snapshot
    self.plan = plan
    self.variables = variables
  }

  /// The value of a variable that only checks look at; nil if it is unset or empty.
  func value(of name: String) -> ByteString? {
    variables.first { $0.name == name && !$0.value.isEmpty }?.value
  }

  /// Whether root starts it, so that ways out can name what root may do.
  package var isRoot: Bool { snapshot.credentials.user.effective == 0 }

  /// The most listeners that are looked at, one by one.
  private static let listenerLimit = 100

  /// The listeners that are looked at.
  package var checkedListeners: [Listener] {
    Array(plan.listeners.prefix(CheckedStart.listenerLimit))
  }

  /// Findings about each of these.
  ///
  /// - Parameter verdict: the verdict on one of them, by its index.
  package func eachListener(
    _ name: CheckName, _ verdict: (Int, Listener) -> Finding.Verdict
  ) -> [Finding] {
    let looked = checkedListeners
    var findings = looked.enumerated().map { Finding(name, $1.endpoint, verdict($0, $1)) }
    let rest = plan.listeners.count - looked.count
    if rest > 0 {
      findings.append(
        Finding(
          name, "\(rest) more",
          .skipped("only the first \(CheckedStart.listenerLimit) listeners are checked")))
    }
    if findings.isEmpty { findings = [Finding(name, .skipped("no listener is known"))] }
    return findings
  }
}
