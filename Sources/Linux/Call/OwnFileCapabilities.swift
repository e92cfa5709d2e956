import Capabilities
import CLinux

/// The capabilities that this process has from the file of this program, such as `=p`.
package enum OwnFileCapabilities {
  /// Whether these, which are permitted, are from that file: the user has not had all of them as ambient ones
  /// before.
  ///
  /// AT_SECURE alone does not say so: a security module can set it for each container's first process, root's,
  /// too.
  static func include(_ permitted: CapabilitySet) -> Bool {
    AuxiliaryVector.isSecure && ProcessIdentity.realUser != 0
      && permitted.members.contains { cap_get_ambient(cap_value_t($0.rawValue)) != 1 }
  }

  /// Makes none of them effective.
  ///
  /// Everybody can start the program. With what `setcap ...=ep` gives, root's files would be read for them, or
  /// `--user root` would make them root; a plan raises what it needs of those that `=p` gives.
  package static func layDown() throws(SystemCallFailure) {
    guard AuxiliaryVector.isSecure else { return }
    let state = try CapabilityState.ofProcess()
    guard !state.effective.isEmpty, include(state.permitted) else { return }
    try ProcessCapabilities.set(permitted: state.permitted, inheritable: state.inheritable)
  }
}
