package import Capabilities
import CLinux

/// A state of libcap: three sets of capabilities, of a process or of a file (cap_init(3)).
@safe
struct CapabilityState: ~Copyable {
  private let state: cap_t

  /// A state with these sets (cap_set_flag(3)).
  static func of(
    permitted: CapabilitySet, inheritable: CapabilitySet = [], effective: CapabilitySet
  ) throws(SystemCallFailure) -> CapabilityState {
    guard let empty = unsafe cap_init() else { throw SystemCallFailure("cap_init", .last) }
    let state = unsafe CapabilityState(owning: empty)
    try state.add(permitted, to: CAP_PERMITTED)
    try state.add(inheritable, to: CAP_INHERITABLE)
    try state.add(effective, to: CAP_EFFECTIVE)
    return state
  }

  private borrowing func add(
    _ set: CapabilitySet, to flag: cap_flag_t
  ) throws(SystemCallFailure) {
    if set.isEmpty { return }
    let (state, values) = unsafe (state, set.members.map { cap_value_t($0.rawValue) })
    try checked("cap_set_flag") {
      unsafe cap_set_flag(state, flag, Int32(values.count), values, CAP_SET)
    }
  }

  private init(owning state: cap_t) {
    unsafe self.state = state
  }

  deinit {
    unsafe cap_free(UnsafeMutableRawPointer(state))
  }

  var permitted: CapabilitySet { members(of: CAP_PERMITTED) }
  var inheritable: CapabilitySet { members(of: CAP_INHERITABLE) }
  var effective: CapabilitySet { members(of: CAP_EFFECTIVE) }

  /// cap_get_flag(3).
  private func members(of flag: cap_flag_t) -> CapabilitySet {
    CapabilitySet.ofAll { capability in
      var value = CAP_CLEAR
      return unsafe cap_get_flag(state, cap_value_t(capability.rawValue), flag, &value) == 0
        && value == CAP_SET
    }
  }

  // MARK: of this process

  /// What this process has (cap_get_proc(3)).
  static func ofProcess() throws(SystemCallFailure) -> CapabilityState {
    guard let state = unsafe cap_get_proc() else { throw SystemCallFailure("cap_get_proc", .last) }
    return unsafe CapabilityState(owning: state)
  }

  /// Makes the sets of this process exactly these (cap_set_proc(3)).
  borrowing func setProcess() throws(SystemCallFailure) {
    let state = unsafe state
    try checked("cap_set_proc") { unsafe cap_set_proc(state) }
  }

  // MARK: of files

  /// What the attribute of an open file says (cap_get_fd(3)).
  static func of(_ file: borrowing Descriptor) throws(Errno) -> CapabilityState {
    guard let state = unsafe cap_get_fd(file.number) else { throw .last }
    return unsafe CapabilityState(owning: state)
  }

  /// The root id of the user namespace that the attribute counts in (cap_get_nsowner(3)).
  var rootID: UInt32 { unsafe cap_get_nsowner(state) }

  /// Writes it to the attribute of an open file (cap_set_fd(3)).
  borrowing func write(to file: borrowing Descriptor) throws(Errno) {
    let (number, state) = unsafe (file.number, state)
    try retried { unsafe cap_set_fd(number, state) }
  }

  /// Takes the attribute of an open file away (cap_set_fd(3)).
  static func remove(from file: borrowing Descriptor) throws(Errno) {
    let number = file.number
    try retried { cap_set_fd(number, nil) }
  }
}

extension CapabilitySet {
  /// Those of all capabilities that there can be for which `isMember` is true.
  static func ofAll(_ isMember: (Capability) -> Bool) -> CapabilitySet {
    CapabilitySet((UInt8(0)..<64).compactMap(Capability.init(rawValue:)).filter(isMember))
  }
}

extension CapabilityNames {
  /// The capabilities of the running kernel, named by libcap (cap_to_name(3)).
  package static func ofRunningKernel() -> CapabilityNames {
    CapabilityNames(
      (0..<cap_max_bits()).map { number in
        guard let name = unsafe cap_to_name(number) else { return String(number) }
        defer { unsafe cap_free(name) }
        return unsafe String(cString: name)
      })
  }
}
