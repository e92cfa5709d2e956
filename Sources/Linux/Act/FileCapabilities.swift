import Capabilities
import Plan
import Text

extension FileCapabilities {
  /// The result of reading a file's `security.capability` attribute.
  enum Reading: Equatable {
    case present(FileCapabilities)
    case absent
    /// The file system has no such attributes.
    case unsupported
  }

  /// Reads the attribute of an open file (cap_get_fd(3)).
  static func read(_ file: borrowing Descriptor) throws(SystemCallFailure) -> Reading {
    do throws(Errno) {
      let state = try CapabilityState.of(file)
      return .present(
        FileCapabilities(
          permitted: state.permitted, inheritable: state.inheritable,
          effective: !state.effective.isEmpty, rootID: state.rootID))
    } catch {
      switch error {
      // EOVERFLOW: the root id is not mapped in this user namespace, so the kernel ignores the attribute.
      case .noData, .overflow: return .absent
      case .notSupported: return .unsupported
      default: throw SystemCallFailure("cap_get_fd", error)
      }
    }
  }

  /// Writes exactly `set`, permitted and effective; nil removes the attribute (cap_set_fd(3)).
  ///
  /// The path is opened without following a link, and must lead to the file that the plan was made for.
  /// In a user namespace the kernel adds the namespace's root id.
  ///
  /// - Returns: why the kernel refuses the change; nil if the attribute is as wanted.
  static func write(
    _ set: CapabilitySet?, to file: ProgramFile
  ) throws(SystemCallFailure) -> SystemCallFailure? {
    try openPlanned(file).withDescriptor { descriptor throws(SystemCallFailure) in
      // A failure to make the state is not a refused write.
      let state = try set.map { set throws(SystemCallFailure) in
        try CapabilityState.of(permitted: set, effective: set)
      }
      do throws(Errno) {
        if let state {
          try state.write(to: descriptor)
        } else {
          try CapabilityState.remove(from: descriptor)
        }
      } catch {
        return SystemCallFailure("cap_set_fd(\(file.path))", error)
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

  /// Reads the attribute back: a file system or a seccomp profile can fake success.
  ///
  /// - Returns: a refusal if the attribute has not changed.
  /// - Throws: ``SystemCallFailure`` if it is neither the old nor the wanted one: there is no plan for that.
  private static func whyNotStored(
    _ set: CapabilitySet?, in descriptor: borrowing Descriptor, file: ProgramFile
  ) throws(SystemCallFailure) -> SystemCallFailure? {
    let stored = try read(descriptor)
    let planned = set.map { FileCapabilities(permitted: $0, effective: true, rootID: 0) }
    if stored == planned.map(Reading.present) ?? .absent { return nil }
    let failure = SystemCallFailure(
      "cap_set_fd(\(file.path))", .ioError,
      cause: SystemCallFailure.Cause(
        why:
          "the call succeeded, but the attribute read back is not the one written:"
          + " the file system, a seccomp profile or a container runtime ignores the call",
        waysOut: ["put \(file.path) on another file system"]))
    guard stored == file.capabilities.map(Reading.present) ?? .absent else { throw failure }
    return failure
  }
}
