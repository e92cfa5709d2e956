import Capabilities
import CLinux
import Glibc
import SystemPackage

/// Changes the capability sets of the calling thread, through libcap.
enum ProcessCapabilities {
  /// Makes the sets exactly these, and effective empty unless it is given (cap_set_proc(3)).
  static func set(
    permitted: CapabilitySet, inheritable: CapabilitySet, effective: CapabilitySet = []
  ) throws(SystemCallFailure) {
    let state = try CapabilitySet.state([
      (CAP_PERMITTED, permitted), (CAP_INHERITABLE, inheritable), (CAP_EFFECTIVE, effective),
    ])
    defer { cap_free(UnsafeMutableRawPointer(state)) }
    try checked("cap_set_proc") { cap_set_proc(state) }
  }

  /// What the kernel checks at the moment (cap_get_proc(3)); nothing where it does not say.
  static var effective: CapabilitySet {
    guard let state = cap_get_proc() else { return [] }
    defer { cap_free(UnsafeMutableRawPointer(state)) }
    return CapabilitySet(state, CAP_EFFECTIVE)
  }

  /// Takes capabilities out of the bounding set (cap_drop_bound(3)).
  static func dropBounding(_ set: CapabilitySet) throws(SystemCallFailure) {
    for capability in set.members {
      try checked("cap_drop_bound(\(capability.rawValue))") {
        cap_drop_bound(cap_value_t(capability.rawValue))
      }
    }
  }

  /// Lets the permitted set survive the change of user (PR_SET_KEEPCAPS(2const)).
  static func keep() throws(SystemCallFailure) {
    try checked("prctl(PR_SET_KEEPCAPS)") { cap_prctlw(Int(PR_SET_KEEPCAPS), 1, 0, 0, 0, 0) }
  }

  /// Empties the ambient set (cap_reset_ambient(3)).
  static func clearAmbient() throws(SystemCallFailure) {
    try checked("cap_reset_ambient") { cap_reset_ambient() }
  }

  /// Adds to the ambient set (cap_set_ambient(3)).
  static func raiseAmbient(_ set: CapabilitySet) throws(SystemCallFailure) {
    for capability in set.members {
      try checked("cap_set_ambient(\(capability.rawValue))") {
        cap_set_ambient(cap_value_t(capability.rawValue), CAP_SET)
      }
    }
  }

  /// Sets no_new_privs, for good (PR_SET_NO_NEW_PRIVS(2const)).
  static func setNoNewPrivileges() throws(SystemCallFailure) {
    try checked("prctl(PR_SET_NO_NEW_PRIVS)") {
      cap_prctlw(Int(PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0, 0)
    }
  }
}
