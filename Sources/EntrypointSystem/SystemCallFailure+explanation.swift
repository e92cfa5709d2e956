import EntrypointPlan
import SystemPackage

extension SystemCallFailure {
  /// The failure as the end of a start.
  public var failure: StartFailure {
    let (why, wayOut) = reason
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "\(call) failed", why: "\(why) (\(errno))",
      waysOut: [wayOut, "see what is planned and what this process has: entrypoint --dry-run"])
  }

  private var reason: (why: String, wayOut: String) {
    switch errno {
    case .notPermitted, .permissionDenied:
      (
        "the kernel refuses it, though this process seemed to have the capability for it: a security"
          + " module, a seccomp profile or a user namespace stands in between",
        "allow the call in the seccomp, AppArmor or SELinux profile of the container"
      )
    case .readOnlyFileSystem:
      ("the file system is read-only", "use --cap-mode ambient, or ENTRYPOINT_CAP_MODE=ambient")
    case .notSupported:
      (
        "the file system has no extended attributes",
        "use --cap-mode ambient, or ENTRYPOINT_CAP_MODE=ambient"
      )
    case .noSpace, .diskQuotaExceeded:
      ("the file system is full", "make room, or use --cap-mode ambient")
    case .noSuchFileOrDirectory:
      ("it is not there; /proc must be mounted", "mount /proc in the container")
    case .noSuchProcess, .resourceTemporarilyUnavailable, .noMemory:
      ("there are too many processes, or too little memory", "raise the container's limits")
    case .noFunction:
      ("the kernel, or a seccomp profile, does not know the call", "use a newer kernel or profile")
    default:
      ("the kernel says so", "look at the manual page of the call")
    }
  }
}
