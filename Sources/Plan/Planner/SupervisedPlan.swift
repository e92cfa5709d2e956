import Capabilities
import Kong

extension Plan {
  /// The same plan with a supervisor, where one is asked for.
  ///
  /// What acts on files comes before the fork: it can be refused, and planned again. So does a wait. Everything else of
  /// the launch is the child's.
  func supervised(by request: Request, on host: HostSnapshot) -> Plan {
    guard let policy = request.stopPolicy, let user, !launch.isEmpty else { return self }
    let before = launch.prefix {
      switch $0 {
      case .changeFile, .run: true
      default: false
      }
    }
    var sequence = LaunchSequence(from: host.credentials)
    // Root's command can become another user, and is then out of root's reach without cap_kill.
    let needed: CapabilitySet = user.uid == 0 ? CapabilitySet(.kill) : []
    sequence.retire(to: user, keeping: needed.intersection(host.credentials.permitted))
    let supervisor = Supervisor(
      policy: policy, steps: sequence.steps + [.verify(sequence.state)],
      credentials: sequence.state, prefix: launch.prefixOfKong)
    var steps = Array(launch.dropFirst(before.count))
    let change = steps.lastIndex { if case .change = $0 { true } else { false } }
    // A change of user would undo it.
    steps.insert(.endWithParent, at: change.map { $0 + 1 } ?? 0)
    var plan = self
    plan.launch = before + [.supervise(supervisor, steps)]
    return plan
  }

  /// The process that stays as the command's parent; nil where the command takes its place.
  package var supervisor: Supervisor? {
    if case .supervise(let supervisor, _) = launch.last { supervisor } else { nil }
  }
}

extension [Step] {
  /// The prefix in which nginx is started; nil where no step is about one.
  fileprivate var prefixOfKong: Prefix? {
    for case .inPrefix(let prefix, _) in self { return prefix }
    return nil
  }
}
