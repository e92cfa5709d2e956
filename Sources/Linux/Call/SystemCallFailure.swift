import Capabilities
import Plan
package import Text

extension SystemCallFailure {
  /// The failure as the end of a start.
  package var failure: StartFailure { failure(what: "\(call) failed") }

  /// The failure as the end of a start.
  ///
  /// - Parameter what: what failed.
  func failure(what: String) -> StartFailure { failure(what: what, cause ?? errno.cause) }

  private func failure(what: String, _ cause: Cause) -> StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted, what: what, why: cause.why, waysOut: cause.waysOut)
  }

  /// The failure of a change to a file's capabilities.
  func refusedWrite(what: String) -> RefusedWrite {
    let cause = cause ?? (errno == .notPermitted ? refusedAttribute : errno.cause)
    return RefusedWrite(what: what, why: cause.why, wayOut: cause.waysOut.first)
  }

  private var refusedAttribute: Cause {
    errno.cause(
      "the kernel refuses it although this process has cap_setfcap: the file is immutable, or a"
        + " security module, a seccomp profile or a user namespace blocks it",
      "make it writable: chattr -i, or allow the call in the container's security profile")
  }

  /// The failure to raise ambient capabilities, as the end of a start.
  ///
  /// - Parameter set: which ones.
  func ambientFailure(_ set: CapabilitySet, names: CapabilityNames) -> StartFailure {
    var cause: Cause =
      switch errno {
      case .invalidArgument, .noFunction:
        errno.cause(
          "this kernel or sandbox has no ambient capabilities; Linux has them since"
            + " 4.3", "start the container with a kernel or a sandbox that has them")
      case .notPermitted:
        errno.cause(
          "the kernel refuses it although this process may do it: a seccomp profile or a security"
            + " module blocks it",
          "allow prctl(PR_CAP_AMBIENT) in the container's security profile")
      default: errno.cause
      }
    cause.waysOut.append(
      set == CapabilitySet(.netBindService)
        ? "avoid the need: docker run --sysctl net.ipv4.ip_unprivileged_port_start=0, or listen on"
          + " ports that any process may bind"
        : "leave out what asks for \(names.text(of: set)): SET_CAP_..., --cap, a transparent listener"
    )
    return failure(what: "\(names.text(of: set)) cannot be made ambient", cause)
  }
}

extension Errno {
  /// A cause, followed by the text of this error.
  fileprivate func cause(_ why: String, _ waysOut: String...) -> SystemCallFailure.Cause {
    SystemCallFailure.Cause(why: "\(why) (\(self))", waysOut: waysOut)
  }

  /// The cause in words, with at least one way out.
  ///
  /// A start makes a call only if this process has the capability for it, so EPERM has another cause.
  var cause: SystemCallFailure.Cause {
    switch self {
    case .notPermitted:
      cause(
        "the kernel refuses it although this process has the capability for it: a security"
          + " module, a seccomp profile or a user namespace blocks it",
        "allow the call in the seccomp, AppArmor or SELinux profile of the container")
    case .permissionDenied:
      cause(
        "its mode, the mode of a directory above it, or a security module does not allow it",
        "allow it there, or in the AppArmor or SELinux profile of the container")
    case .readOnlyFileSystem:
      cause(
        "the file system is read-only",
        "mount a writable volume there, or omit --read-only")
    case .notSupported:
      cause(
        "the file system, or the kernel, cannot do it",
        "use another file system there, such as ext4 or xfs")
    case .noSpace: cause("the file system is full", "make room on it")
    case .diskQuotaExceeded:
      cause("the quota of the file system is used up", "make room, or raise the quota")
    case .tooManyOpenFiles: causeOfLimit
    case .tooManyOpenFilesInSystem:
      cause("the node has too many open files", "raise fs.file-max on the node")
    case .noSuchFileOrDirectory:
      cause("it does not exist; /proc must be mounted", "mount /proc in the container")
    case .noSuchProcess, .resourceTemporarilyUnavailable, .noMemory:
      cause(
        "there are too many processes, or too little memory",
        "raise the container's limits: docker run --memory and --pids-limit, Kubernetes limits.memory"
      )
    case .noFunction:
      cause(
        "the kernel, or a seccomp profile, does not know the call",
        "use a newer kernel, container engine or seccomp profile")
    case .ioError:
      cause(
        "the device or server of the file has failed",
        "read the kernel log of the node: dmesg")
    case .staleNFSFileHandle:
      cause(
        "another file has taken its place since it was inspected",
        "start again, and do not replace programs while containers start")
    default:
      cause(
        "the kernel or the sandbox refuses it",
        "start once without the sandbox and the security profile, to find out which one refuses it",
        "report it with the output of entrypoint --dry-run --format json COMMAND")
    }
  }

  /// EMFILE: the limit may be high enough, if too many files were open from the start.
  private var causeOfLimit: SystemCallFailure.Cause {
    let limit = ResourceLimit.openFiles.current
    return cause(
      "this process has too many open files",
      limit.map { $0 >= 1024 } ?? false
        ? "start it with fewer open files: its limit is \(limit ?? 0)"
        : "docker run --ulimit nofile=1024:1024")
  }
}
