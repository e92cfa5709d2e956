import Capabilities

/// Writes down, in the order the kernel demands, the steps that lead from one set of credentials to
/// another.
///
/// A change that would change nothing is omitted.
struct LaunchSequence {
  private(set) var steps: [Step] = []
  /// What the thread has after the steps so far.
  private(set) var state: Credentials

  init(from state: Credentials) {
    self.state = state
  }

  /// Adds a step that does not change the thread's credentials.
  mutating func add(_ step: Step) {
    steps.append(step)
  }

  /// Adds a change, unless it would change nothing.
  private mutating func change(_ change: CredentialChange) {
    let after = state.after(change)
    guard after != state else { return }
    steps.append(.change(change))
    state = after
  }

  /// Gives up everything but the given sets.
  ///
  /// The kernel demands this order. The bounding set needs cap_setpcap, so it comes while this
  /// process is root; so do the groups. The permitted set survives the change of user only with
  /// keep-caps. The change clears ambient capabilities, so they are raised last.
  ///
  /// - Parameters:
  ///   - target: the user to become, nil to stay.
  ///   - permitted: what stays permitted, and `ambient` what is inheritable and ambient.
  ///   - bounding: what stays in the bounding set, nil to leave it.
  mutating func drop(
    to target: TargetUser?, permitted: CapabilitySet, ambient: CapabilitySet,
    bounding: CapabilitySet?, noNewPrivileges: Bool
  ) {
    if let bounding {
      change(.dropBounding(state.bounding.subtracting(bounding), keeping: bounding))
    }
    if let target {
      if target.uid != state.user.effective, !permitted.isEmpty { change(.keepCapabilities) }
      change(.setGroups(target.groups))
      change(.setGroup(target.gid))
      change(.setUser(target.uid))
    }
    // Root has all of the bounding set again after exec: there is nothing to give up here.
    if state.user.effective != 0 {
      if !state.ambient.isSubset(of: ambient) { change(.clearAmbient) }
      change(.setCapabilities(permitted: permitted, inheritable: ambient))
      change(.raiseAmbient(ambient))
    }
    if noNewPrivileges { change(.setNoNewPrivileges) }
  }

  /// Gives up everything, in a process that execs nothing any more.
  ///
  /// - Parameters:
  ///   - user: the user to become, or to stay.
  ///   - kept: what stays permitted and effective.
  mutating func retire(to user: TargetUser, keeping kept: CapabilitySet) {
    if state.effective.contains(.setpcap) {
      change(.dropBounding(state.bounding, keeping: []))
    }
    change(.setGroups(user.groups))
    change(.setGroup(user.gid))
    change(.setUser(user.uid))
    if !state.ambient.isEmpty { change(.clearAmbient) }
    change(.setCapabilities(permitted: kept, inheritable: [], effective: kept))
    change(.setNoNewPrivileges)
  }

  /// All steps: the credentials are read back before they are used, then comes the exec.
  ///
  /// - Parameter acts: what the program's user does before; nothing that changes credentials.
  func ending(in execution: Execution, after acts: [Step] = []) -> [Step] {
    steps + [.verify(state)] + acts + [.exec(execution)]
  }

  /// The step in which a child carries the sequence out, with nothing from this process but what
  /// the plan gives it.
  ///
  /// - Parameter acts: what the program's user does before.
  func child(running execution: Execution, after acts: [Step], endsOrphans: Bool) -> Step {
    var child = self
    child.add(.endWithParent)
    return .run(
      child.ending(in: execution, after: [.closeDescriptors(keeping: [])] + acts),
      endsOrphans: endsOrphans)
  }
}
