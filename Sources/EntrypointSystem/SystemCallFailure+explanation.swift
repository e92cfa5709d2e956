import EntrypointPlan
import SystemPackage

extension SystemCallFailure {
  /// The failure as the end of a start.
  public var failure: StartFailure { failure(what: "\(call) failed") }

  /// The failure as the end of a start.
  ///
  /// - Parameter what: what it was to do.
  func failure(what: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted, what: what, why: explained.why, waysOut: explained.waysOut)
  }

  /// The failure of a change to a file's capabilities.
  func refusedWrite(what: String) -> RefusedWrite {
    RefusedWrite(what: what, why: explained.why, wayOut: explained.waysOut.first)
  }

  private var explained: Cause {
    if let cause { return cause }
    let (why, wayOut) = reason
    return Cause(why: "\(why) (\(errno))", waysOut: wayOut.map { [$0] } ?? [])
  }

  private var reason: (why: String, wayOut: String?) {
    switch errno {
    case .notPermitted:
      (
        "the kernel refuses it, though this process seemed to have the capability for it: a security"
          + " module, a seccomp profile or a user namespace stands in between",
        "allow the call in the seccomp, AppArmor or SELinux profile of the container"
      )
    case .permissionDenied:
      (
        "its mode, or that of a directory above it, or a security module does not allow it",
        "allow it there, or in the AppArmor or SELinux profile of the container"
      )
    case .readOnlyFileSystem: ("the file system is read-only", nil)
    case .notSupported: ("the file system has no extended attributes", nil)
    case .noSpace, .diskQuotaExceeded: ("the file system is full", "make room")
    case .tooManyOpenFiles:
      ("this process may open no more files", "docker run --ulimit nofile=1024:1024")
    case .noSuchFileOrDirectory:
      ("it is not there; /proc must be mounted", "mount /proc in the container")
    case .staleNFSFileHandle:
      (
        "another file has taken its place since the start looked at it",
        "start again, and replace programs only while no container starts"
      )
    case .noSuchProcess, .resourceTemporarilyUnavailable, .noMemory:
      ("there are too many processes, or too little memory", "raise the container's limits")
    case .noFunction:
      ("the kernel, or a seccomp profile, does not know the call", "use a newer kernel or profile")
    default:
      ("the kernel refused it", "look at the manual page of the call")
    }
  }
}
