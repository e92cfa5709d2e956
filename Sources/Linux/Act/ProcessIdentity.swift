import CLinux
import Glibc
import SystemPackage

/// Changes who the process is (credentials(7)).
///
/// The process has one thread, so glibc's functions are the system calls. Each throws
/// ``SystemCallFailure``, which says so where an id does not exist in the user namespace.
enum ProcessIdentity {
  /// setgroups(2).
  static func setGroups(_ groups: [UInt32]) throws(SystemCallFailure) {
    try change("setgroups(\(groups.map(String.init).joined(separator: ",")))", groups: groups) {
      setgroups(groups.count, groups)
    }
  }

  /// setgid(2): real, effective and saved, as this process has cap_setgid.
  static func setGroup(_ gid: UInt32) throws(SystemCallFailure) {
    try change("setgid(\(gid))", groups: [gid]) { setgid(gid) }
  }

  /// Has the kernel kill this process when the one that forked it ends (PR_SET_PDEATHSIG(2const)).
  ///
  /// - Parameter parent: that process; nil where this one is no child of ours.
  /// - Throws: ``SystemCallFailure`` also where it has ended before.
  static func endWithParent(_ parent: pid_t?) throws(SystemCallFailure) {
    guard let parent else { return }
    try checked("prctl(PR_SET_PDEATHSIG)") {
      cap_prctlw(Int(PR_SET_PDEATHSIG), Int(SIGKILL), 0, 0, 0, 0)
    }
    if getppid() != parent { throw SystemCallFailure("getppid", .noSuchProcess) }
  }

  /// setuid(2): real, effective and saved, as this process has cap_setuid.
  static func setUser(_ uid: UInt32) throws(SystemCallFailure) {
    try change("setuid(\(uid))", uid: uid) { setuid(uid) }
  }

  private static func change(
    _ name: @autoclosure () -> String, uid: UInt32? = nil, groups: [UInt32] = [], _ call: () -> CInt
  ) throws(SystemCallFailure) {
    do {
      try checked(name(), call)
    } catch {
      if error.errno == .invalidArgument {
        try UserNamespace.check(uid: uid, groups: groups, call: error.call)
      }
      throw error
    }
  }
}
