import Capabilities
import CLinux

/// Changes who the process is (credentials(7)).
///
/// The process has one thread, so these are the system calls. Each throws ``SystemCallFailure``, which says
/// so where an id does not exist in the user namespace.
enum ProcessIdentity {
  /// setgroups(2).
  static func setGroups(_ groups: [UInt32]) throws(SystemCallFailure) {
    try change("setgroups(\(groups.map { String($0) }.joined(separator: ",")))", groups: groups) {
      unsafe linux_setgroups(groups.count, groups)
    }
  }

  /// setgid(2): real, effective and saved, as this process has cap_setgid.
  static func setGroup(_ gid: UInt32) throws(SystemCallFailure) {
    try change("setgid(\(gid))", groups: [gid]) { linux_setgid(gid) }
  }

  /// setuid(2): real, effective and saved, as this process has cap_setuid.
  static func setUser(_ uid: UInt32) throws(SystemCallFailure) {
    try change("setuid(\(uid))", uid: uid) { linux_setuid(uid) }
  }

  private static func change(
    _ name: @autoclosure () -> String, uid: UInt32? = nil, groups: [UInt32] = [],
    _ call: () -> Int32
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

  /// The real user (getuid(2)).
  static var realUser: UInt32 { getuid() }

  /// The effective user (geteuid(2)).
  static var effectiveUser: UInt32 { geteuid() }

  /// The ids of the user (getresuid(2)).
  static func user() throws(SystemCallFailure) -> ProcessIDs {
    var ids = ProcessIDs(.max)
    try checked("getresuid") { unsafe getresuid(&ids.real, &ids.effective, &ids.saved) }
    return ids
  }

  /// The ids of the group (getresgid(2)).
  static func group() throws(SystemCallFailure) -> ProcessIDs {
    var ids = ProcessIDs(.max)
    try checked("getresgid") { unsafe getresgid(&ids.real, &ids.effective, &ids.saved) }
    return ids
  }

  /// The other groups (getgroups(2)).
  static func groups() throws(SystemCallFailure) -> [UInt32] {
    var groups = [UInt32](
      repeating: 0, count: Int(try checked("getgroups") { getgroups(0, nil) }))
    try checked("getgroups") { unsafe getgroups(Int32(groups.count), &groups) }
    return groups
  }
}
