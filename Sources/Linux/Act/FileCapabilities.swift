import Capabilities
import Plan
import CLinux
import Glibc
import SystemPackage

extension FileCapabilities {
  /// What reading a file's `security.capability` attribute says.
  enum Reading: Equatable {
    case present(FileCapabilities)
    case absent
    /// The file system has no such attributes.
    case unsupported
  }

  /// Reads the attribute of an open file (cap_get_fd(3)).
  static func read(_ file: FileDescriptor) throws(SystemCallFailure) -> Reading {
    guard let state = cap_get_fd(file.rawValue) else {
      switch Errno(rawValue: errno) {
      // EOVERFLOW: of a root id that this user namespace has not, so they do not count here.
      case .noData, .overflow: return .absent
      case .notSupported: return .unsupported
      case let reason: throw SystemCallFailure("cap_get_fd", reason)
      }
    }
    defer { cap_free(UnsafeMutableRawPointer(state)) }
    return .present(
      FileCapabilities(
        permitted: CapabilitySet(state, CAP_PERMITTED),
        inheritable: CapabilitySet(state, CAP_INHERITABLE),
        effective: !CapabilitySet(state, CAP_EFFECTIVE).isEmpty,
        rootID: cap_get_nsowner(state)))
  }

  /// Writes exactly `set`, permitted and effective; nil takes the attribute away (cap_set_fd(3)).
  ///
  /// The path is opened without following a link, and must lead to the very file that the plan was
  /// made for. In a user namespace the kernel adds the namespace's root id itself.
  ///
  /// - Returns: why the kernel refuses the attribute; nil where it is as wanted.
  static func write(
    _ set: CapabilitySet?, to file: ProgramFile
  ) throws(SystemCallFailure) -> SystemCallFailure? {
    let state = try set?.state(flags: [CAP_PERMITTED, CAP_EFFECTIVE])
    defer { cap_free(UnsafeMutableRawPointer(state)) }
    return try openPlanned(file).withDescriptor { descriptor throws(SystemCallFailure) in
      do throws(SystemCallFailure) {
        try checked("cap_set_fd(\(file.path))") { cap_set_fd(descriptor.rawValue, state) }
      } catch {
        return error
      }
      return try whyNotStored(set, in: descriptor, file: file)
    }
  }

  private static func openPlanned(_ file: ProgramFile) throws(SystemCallFailure) -> OpenFile {
    do throws(Errno) {
      let pinned = try PinnedFile(file.path, followsLink: false)
      guard FileIdentity(pinned.status) == file.identity else { throw .staleNFSFileHandle }
      return try pinned.open()
    } catch {
      let isOther = error == .staleNFSFileHandle
      throw SystemCallFailure(
        "open(\(file.path))\(isOther ? ": another file than planned" : "")", error)
    }
  }

  /// Reads the attribute back: a file system or a seccomp profile can answer in the kernel's place.
  ///
  /// - Returns: a refusal where the attribute is what it was before.
  /// - Throws: ``SystemCallFailure`` where it is something else, which no plan was made for.
  private static func whyNotStored(
    _ set: CapabilitySet?, in descriptor: FileDescriptor, file: ProgramFile
  ) throws(SystemCallFailure) -> SystemCallFailure? {
    let stored = try read(descriptor)
    let planned = set.map { FileCapabilities(permitted: $0, effective: true, rootID: 0) }
    if stored == planned.map(Reading.present) ?? .absent { return nil }
    let failure = SystemCallFailure(
      "cap_set_fd(\(file.path))", .ioError,
      cause: SystemCallFailure.Cause(
        why:
          "the call succeeded, but the attribute that is read back is not the one that was written:"
          + " the file system, a seccomp profile or a container runtime does not carry it out",
        waysOut: ["put \(file.path) on another file system"]))
    guard stored == file.capabilities.map(Reading.present) ?? .absent else { throw failure }
    return failure
  }
}

extension CapabilitySet {
  /// Reads one of the three flags of libcap's state (cap_get_flag(3)).
  init(_ state: cap_t, _ flag: cap_flag_t) {
    self.init(
      (UInt8(0)..<64).compactMap(Capability.init(rawValue:)).filter { capability in
        var value = CAP_CLEAR
        return cap_get_flag(state, cap_value_t(capability.rawValue), flag, &value) == 0
          && value == CAP_SET
      })
  }

  /// Makes a state of libcap that has this set in each of `flags`; to be freed with cap_free(3).
  func state(flags: [cap_flag_t]) throws(SystemCallFailure) -> cap_t {
    try CapabilitySet.state(flags.map { ($0, self) })
  }

  /// Makes a state of libcap with a set for each flag; to be freed with cap_free(3).
  static func state(_ sets: [(cap_flag_t, CapabilitySet)]) throws(SystemCallFailure) -> cap_t {
    guard let state = cap_init() else {
      throw SystemCallFailure("cap_init", Errno(rawValue: errno))
    }
    for (flag, set) in sets {
      let values = set.members.map { cap_value_t($0.rawValue) }
      guard !values.isEmpty else { continue }
      if cap_set_flag(state, flag, CInt(values.count), values, CAP_SET) != 0 {
        let reason = Errno(rawValue: errno)
        cap_free(UnsafeMutableRawPointer(state))
        throw SystemCallFailure("cap_set_flag", reason)
      }
    }
    return state
  }
}
