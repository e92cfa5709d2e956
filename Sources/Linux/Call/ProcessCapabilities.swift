import Capabilities
import CLinux

/// The capabilities of the calling thread, through libcap.
enum ProcessCapabilities {
  /// Makes the sets exactly these, and effective empty unless it is given (cap_set_proc(3)).
  static func set(
    permitted: CapabilitySet, inheritable: CapabilitySet, effective: CapabilitySet = []
  ) throws(SystemCallFailure) {
    try CapabilityState.of(permitted: permitted, inheritable: inheritable, effective: effective)
      .setProcess()
  }

  /// What the kernel checks at the moment (cap_get_proc(3)); nothing where it does not say.
  static var effective: CapabilitySet {
    do throws(SystemCallFailure) { return try CapabilityState.ofProcess().effective } catch {
      return []
    }
  }

  /// The ambient set (cap_get_ambient(3)); nil where the kernel has none.
  static var ambient: CapabilitySet? {
    cap_get_ambient(0) < 0 ? nil : .ofAll { cap_get_ambient(cap_value_t($0.rawValue)) == 1 }
  }

  /// The bounding set (cap_get_bound(3)).
  static var bounding: CapabilitySet {
    .ofAll { cap_get_bound(cap_value_t($0.rawValue)) == 1 }
  }

  /// Takes capabilities out of the bounding set (cap_drop_bound(3)).
  static func dropBounding(_ set: CapabilitySet) throws(SystemCallFailure) {
    for capability in set.members {
      try checked("cap_drop_bound(\(capability.rawValue))") {
        cap_drop_bound(cap_value_t(capability.rawValue))
      }
    }
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

  /// The securebits (cap_get_secbits(3)); where the kernel knows none, as gVisor's, the one that has a call
  /// of its own (PR_GET_KEEPCAPS(2const)).
  static var securebits: Securebits {
    let bits = cap_get_secbits()
    if bits != .max { return Securebits(rawValue: bits) }
    return ProcessAttribute.value(of: PR_GET_KEEPCAPS) == 1 ? .keepCapabilities : []
  }
}
