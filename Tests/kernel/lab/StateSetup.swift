import Capabilities
import CKernelLab
import CLinux

/// Turns a thread of root into one with given credentials, or finds that the kernel does not allow
/// them.
///
/// It uses nothing of the code under test.
enum StateSetup {
  /// Applies credentials in an order that leaves each change the capabilities it needs.
  ///
  /// - Parameter held: what this thread has now: permitted, effective and bounding.
  static func apply(_ state: Credentials, from held: CapabilitySet) throws(LabFailure) {
    try setIDs(state)
    try setCapabilities(permitted: held, effective: held, inheritable: state.inheritable)
    // The securebits do not forbid this yet. What is impossible now is done at the end.
    let isPossible = state.contradiction == nil
    if isPossible { try raiseAmbient(state.ambient) }
    try check("prctl(PR_SET_SECUREBITS)") {
      cap_prctlw(Int(PR_SET_SECUREBITS), Int(state.securebits.rawValue), 0, 0, 0, 0)
    }
    try dropBounding(held.subtracting(state.bounding))
    try setCapabilities(
      permitted: state.permitted, effective: state.effective, inheritable: state.inheritable)
    if !isPossible { try raiseAmbient(state.ambient) }
    if state.noNewPrivileges {
      try check("prctl(PR_SET_NO_NEW_PRIVS)") {
        cap_prctlw(Int(PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0, 0)
      }
    }
  }

  /// Changes the ids and keeps the capabilities.
  private static func setIDs(_ state: Credentials) throws(LabFailure) {
    let fixed = Int(Securebits.noSetuidFixup.rawValue)
    try check("prctl(SECBIT_NO_SETUID_FIXUP)") {
      cap_prctlw(Int(PR_SET_SECUREBITS), fixed, 0, 0, 0, 0)
    }
    try check("setgroups") { setgroups(state.groups.count, state.groups) }
    let (user, group) = (state.user, state.group)
    try check("setresgid") { setresgid(group.real, group.effective, group.saved) }
    try check("setresuid") { setresuid(user.real, user.effective, user.saved) }
  }

  /// capset(2) itself, because libcap could refuse what only the kernel must refuse.
  private static func setCapabilities(
    permitted: CapabilitySet, effective: CapabilitySet, inheritable: CapabilitySet
  ) throws(LabFailure) {
    var header = header
    var data = [UInt64(0), 32].map { shift in
      __user_cap_data_struct(
        effective: UInt32(truncatingIfNeeded: effective.rawValue >> shift),
        permitted: UInt32(truncatingIfNeeded: permitted.rawValue >> shift),
        inheritable: UInt32(truncatingIfNeeded: inheritable.rawValue >> shift))
    }
    try check("capset") { capset(&header, &data) }
  }

  private static var header: __user_cap_header_struct {
    __user_cap_header_struct(version: UInt32(_LINUX_CAPABILITY_VERSION_3), pid: 0)
  }

  private static func raiseAmbient(_ set: CapabilitySet) throws(LabFailure) {
    for number in set.members.map({ cap_value_t($0.rawValue) }) {
      try check("prctl(PR_CAP_AMBIENT_RAISE, \(number))") { cap_set_ambient(number, CAP_SET) }
    }
  }

  private static func dropBounding(_ set: CapabilitySet) throws(LabFailure) {
    for number in set.members.map({ cap_value_t($0.rawValue) }) {
      try check("prctl(PR_CAPBSET_DROP, \(number))") { cap_drop_bound(number) }
    }
  }
}
