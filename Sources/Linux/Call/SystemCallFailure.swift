import Capabilities
import Plan
package import Text

extension SystemCallFailure {
  /// The failure as the end of a start.
  package var failure: StartFailure { failure(what: "\(call) failed") }

  /// The failure as the end of a start.
  ///
  /// - Parameter what: what it was to do.
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
      "the kernel refuses it, though this process has cap_setfcap: the file is immutable, or a"
        + " security module, a seccomp profile or a user namespace stands in between",
      "let it be written: chattr -i, or allow it in the container's security profile")
  }

  /// The failure to raise ambient capabilities, as the end of a start.
  ///
  /// - Parameter set: which ones.
  func ambientFailure(_ set: CapabilitySet, names: CapabilityNames) -> StartFailure {
    var cause: Cause =
      switch errno {
      case .invalidArgument, .noFunction:
        errno.cause(
          "this kernel, or what stands in for it, has no ambient capabilities; Linux has them since"
            + " 4.3", "start the container with a kernel or a sandbox that has them")
      case .notPermitted:
        errno.cause(
          "it is refused, though this process has what it takes: a seccomp profile or a security"
            + " module stands in between",
          "allow prctl(PR_CAP_AMBIENT) in the container's security profile")
      default: errno.cause
      }
    cause.waysOut.append(
      set == CapabilitySet(.netBindService)
        ? "need none of them: docker run --sysctl net.ipv4.ip_unprivileged_port_start=0, or listen on"
          + " ports that everybody may bind"
        : "leave out what asks for \(names.text(of: set)): SET_CAP_..., --cap, a transparent listener"
    )
    return failure(what: "\(names.text(of: set)) cannot be made ambient", cause)
  }
}

extension Errno {
  /// A cause with the kernel's words for it.
  fileprivate func cause(_ why: String, _ waysOut: String...) -> SystemCallFailure.Cause {
    SystemCallFailure.Cause(why: "\(why) (\(self))", waysOut: waysOut)
  }

  /// What the kernel means, of a call of a start, which is made only where this process has the
  /// capabilities for it; with at least one way out.
  var cause: SystemCallFailure.Cause {
    switch self {
    case .notPermitted:
      cause(
        "the kernel refuses it, though this process seemed to have the capability for it: a security"
          + " module, a seccomp profile or a user namespace stands in between",
        "allow the call in the seccomp, AppArmor or SELinux profile of the container")
    case .permissionDenied:
      cause(
        "its mode, or that of a directory above it, or a security module does not allow it",
        "allow it there, or in the AppArmor or SELinux profile of the container")
    case .readOnlyFileSystem:
      cause(
        "the file system is read-only",
        "mount a volume there that can be written, or leave out --read-only")
    case .notSupported:
      cause(
        "the file system, or the kernel, cannot do it",
        "use another file system there, such as ext4 or xfs")
    case .noSpace: cause("the file system is full", "make room on it")
    case .diskQuotaExceeded:
      cause("the quota of the file system is used up", "make room, or raise the quota")
    case .tooManyOpenFiles: causeOfLimit
    case .tooManyOpenFilesInSystem:
      cause("the node may open no more files", "raise fs.file-max on the node")
    case .noSuchFileOrDirectory:
      cause("it is not there; /proc must be mounted", "mount /proc in the container")
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
        "the device, or the server, that the file is on has failed",
        "see what the kernel of the node says: dmesg")
    case .staleNFSFileHandle:
      cause(
        "another file has taken its place since the start looked at it",
        "start again, and replace programs only while no container starts")
    default:
      cause(
        "the kernel, or what stands in for it, refuses it",
        "see whether it is the sandbox or the security profile: start once without them",
        "report it with the output of entrypoint --dry-run --format json COMMAND")
    }
  }

  /// This process may open no more files (EMFILE): its own limit, which is not always too low.
  private var causeOfLimit: SystemCallFailure.Cause {
    let limit = ResourceLimit.openFiles.current
    return cause(
      "this process may open no more files",
      limit.map { $0 >= 1024 } ?? false
        ? "start it with fewer open files: \(limit ?? 0) were handed to it"
        : "docker run --ulimit nofile=1024:1024")
  }
}
