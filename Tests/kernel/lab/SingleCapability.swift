import Capabilities

/// Every combination that matters to an exec, for one capability.
struct SingleCapability {
  /// Only this capability: every set contains it or is empty.
  var set: CapabilitySet

  /// The files that each thread execs: each possible attribute or none, on each mount.
  var programs: [Program] {
    let attributes = SingleCapability.choices(3).map { choice -> FileCapabilities? in
      FileCapabilities(
        permitted: choice[0] ? set : [], inheritable: choice[1] ? set : [], effective: choice[2])
    }
    return (attributes + [nil]).flatMap { attribute in
      [false, true].map { Program(attribute: attribute, isOnNosuidMount: $0) }
    }
  }

  /// Every combination for the thread, including those that contradict the kernel's invariants.
  var starts: [Credentials] {
    SingleCapability.choices(7).flatMap { choice in
      SingleCapability.users.map { user in
        Credentials(
          user: user, group: ProcessIDs(0), permitted: choice[0] ? set : [],
          effective: choice[1] ? set : [], inheritable: choice[2] ? set : [],
          ambient: choice[3] ? set : [], bounding: choice[4] ? set : [],
          noNewPrivileges: choice[5], securebits: choice[6] ? .noRoot : [])
      }
    }
  }

  /// Root, a user, each with a saved id to return to, and the ids that a set-user-ID program
  /// leaves.
  private static let users = [
    ProcessIDs(0), ProcessIDs(real: 0, effective: 0, saved: 1000),
    ProcessIDs(1000), ProcessIDs(real: 1000, effective: 1000, saved: 0),
    ProcessIDs(real: 0, effective: 1000, saved: 1000),
    ProcessIDs(real: 1000, effective: 0, saved: 0),
  ]

  private static func choices(_ count: Int) -> [[Bool]] {
    (0..<1 << count).map { number in (0..<count).map { number & 1 << $0 != 0 } }
  }
}

extension Credentials {
  /// The kernel's invariant that these credentials contradict; nil if they are possible.
  var contradiction: String? {
    if !effective.isSubset(of: permitted) { return "effective is not within permitted" }
    if !ambient.isSubset(of: permitted.intersection(inheritable)) {
      return "ambient is not within permitted and inheritable"
    }
    return nil
  }

  /// Whether the ids look as if a set-user-ID or set-group-ID program had run.
  var hasDifferentIDs: Bool { user.real != user.effective || group.real != group.effective }
}
