/// One change that a thread makes to its own credentials.
package enum CredentialChange: Equatable, Sendable {
  /// Take these out of the bounding set, for good (PR_CAPBSET_DROP(2const)).
  case dropBounding(CapabilitySet, keeping: CapabilitySet)
  /// Let the permitted set survive the change of user (PR_SET_KEEPCAPS(2const)).
  case keepCapabilities
  /// setgroups(2).
  case setGroups([UInt32])
  /// setgid(2): real, effective and saved, as this process has cap_setgid.
  case setGroup(UInt32)
  /// setuid(2): real, effective and saved, as this process has cap_setuid.
  case setUser(UInt32)
  /// Make the sets exactly these (capset(2)); what is exec'd gets its effective set by the exec.
  case setCapabilities(
    permitted: CapabilitySet, inheritable: CapabilitySet, effective: CapabilitySet = [])
  /// PR_CAP_AMBIENT_CLEAR_ALL(2const).
  case clearAmbient
  /// PR_CAP_AMBIENT_RAISE(2const).
  case raiseAmbient(CapabilitySet)
  /// PR_SET_NO_NEW_PRIVS(2const).
  case setNoNewPrivileges

  /// The capability that the kernel demands for the change; nil where every thread may make it.
  package var requiredCapability: Capability? {
    switch self {
    case .dropBounding: .setpcap
    case .setGroups, .setGroup: .setgid
    case .setUser: .setuid
    case .keepCapabilities, .setCapabilities, .clearAmbient, .raiseAmbient, .setNoNewPrivileges: nil
    }
  }
}

extension Credentials {
  /// What a thread has after a change, by the rules of capabilities(7) and credentials(7).
  package func after(_ change: CredentialChange) -> Credentials {
    var state = self
    switch change {
    case .dropBounding(let set, _):
      state.bounding.subtract(set)
    case .keepCapabilities:
      state.securebits.insert(.keepCapabilities)
    case .setGroups(let groups):
      state.groups = groups.sorted()
    case .setGroup(let gid):
      state.group = ProcessIDs(gid)
    case .setUser(let uid):
      state.changeUser(to: uid)
    case .setCapabilities(let permitted, let inheritable, let effective):
      state.permitted = permitted
      state.effective = effective
      state.inheritable = inheritable
      state.ambient.formIntersection(permitted.intersection(inheritable))
    case .clearAmbient:
      state.ambient = []
    case .raiseAmbient(let set):
      state.ambient.formUnion(set)
    case .setNoNewPrivileges:
      state.noNewPrivileges = true
    }
    return state
  }

  /// capabilities(7), "Effect of user ID changes on capabilities".
  private mutating func changeUser(to uid: UInt32) {
    let before = user
    user = ProcessIDs(uid)
    guard !securebits.contains(.noSetuidFixup) else { return }
    if before.includesRoot, uid != 0 {
      if !securebits.contains(.keepCapabilities) {
        permitted = []
        effective = []
      }
      ambient = []
    }
    if before.effective == 0, uid != 0 { effective = [] }
    if before.effective != 0, uid == 0 { effective = permitted }
  }
}
