import Capabilities
import Plan
import CLinux

/// Looks at files with a user's rights instead of root's (setfsuid(2)).
///
/// Root must not read for a user what that user could not read itself: its links could lead anywhere.
enum FileSystemUser {
  /// Whether this process may.
  ///
  /// If not, it cannot become the user for good either, and the start ends.
  static func canAct(as user: TargetUser, own: Credentials) -> Bool {
    user.uid == own.user.effective
      || own.effective.contains(.setuid)
        && (own.effective.contains(.setgid)
          || own.groups == user.groups && own.group.effective == user.gid)
  }

  /// Calls `body` with the user's ids and groups for files, then restores this process's own.
  ///
  /// Meanwhile no capability is effective. The kernel itself clears only those for files (capabilities(7),
  /// "Effect of user ID changes on capabilities"); with cap_sys_ptrace, links below /proc/PID would still
  /// lead where the user cannot go. The other ids stay, so the user can neither trace nor signal this
  /// process.
  ///
  /// - Parameters:
  ///   - user: nil to change nothing.
  ///   - own: who this process is.
  /// - Throws: ``SystemCallFailure`` if the kernel refuses. Then the ids may be mixed, and the process has
  ///   to end.
  static func acting<Result>(
    as user: TargetUser?, own: Credentials, _ body: () -> Result
  ) throws(SystemCallFailure) -> Result {
    guard let user, user.uid != own.user.effective else { return body() }
    try become(uid: user.uid, gid: user.gid, groups: user.groups, insteadOf: own.groups)
    if !own.effective.isEmpty { try own.set(effective: []) }
    let result = body()
    if !own.effective.isEmpty { try own.set(effective: own.effective) }
    try become(
      uid: own.user.effective, gid: own.group.effective, groups: own.groups,
      insteadOf: user.groups)
    // The kernel makes all permitted ones effective again.
    if own.effective != own.permitted { try own.set(effective: own.effective) }
    return result
  }

  private static func become(
    uid: UInt32, gid: UInt32, groups: [UInt32], insteadOf others: [UInt32]
  ) throws(SystemCallFailure) {
    if groups != others { try ProcessIdentity.setGroups(groups) }
    setfsgid(gid)
    setfsuid(uid)
    if areForFiles(uid, gid) { return }
    if isUnknown {
      // The id for files follows the effective one (credentials(7)), which can be restored.
      try checked("setegid(\(gid))") { linux_setegid(gid) }
      try checked("seteuid(\(uid))") { linux_seteuid(uid) }
      return
    }
    let call = "setfsuid(\(uid)), setfsgid(\(gid))"
    try UserNamespace.check(uid: uid, groups: [gid], call: call)
    throw SystemCallFailure(call, .notPermitted)
  }

  /// Whether these are the ids for files, or the kernel has none.
  static func isEffective(uid: UInt32, gid: UInt32) -> Bool {
    areForFiles(uid, gid) || isUnknown
  }

  /// Whether these are the ids for files.
  ///
  /// The calls return the previous id whether they succeed or not; an impossible id only queries it.
  private static func areForFiles(_ uid: UInt32, _ gid: UInt32) -> Bool {
    setfsuid(.max) == Int32(bitPattern: uid) && setfsgid(.max) == Int32(bitPattern: gid)
  }

  /// Whether the ids for files are the real ones.
  static var isRealUser: Bool { areForFiles(getuid(), getgid()) }

  /// Whether the id for files is root's.
  static var isRoot: Bool { setfsuid(.max) == 0 }

  /// Whether the kernel has no separate ids for files, as gVisor's.
  private static var isUnknown: Bool { setfsuid(.max) == -1 && Errno.last == .noFunction }
}

extension Credentials {
  /// Makes exactly these effective; they must be permitted.
  func set(effective: CapabilitySet) throws(SystemCallFailure) {
    try ProcessCapabilities.set(
      permitted: permitted, inheritable: inheritable, effective: effective)
  }
}
