import Glibc

/// Changes who the process is (credentials(7)).
///
/// The process has one thread, so glibc's functions are the system calls.
enum ProcessIdentity {
  /// setgroups(2).
  static func setGroups(_ groups: [UInt32]) throws(SystemCallFailure) {
    try checked("setgroups(\(groups.map(String.init).joined(separator: ",")))") {
      setgroups(groups.count, groups)
    }
  }

  /// setgid(2): real, effective and saved, as this process has cap_setgid.
  static func setGroup(_ gid: UInt32) throws(SystemCallFailure) {
    try checked("setgid(\(gid))") { setgid(gid) }
  }

  /// setuid(2): real, effective and saved, as this process has cap_setuid.
  static func setUser(_ uid: UInt32) throws(SystemCallFailure) {
    try checked("setuid(\(uid))") { setuid(uid) }
  }
}
