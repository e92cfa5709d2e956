import CLinux
import EntrypointPlan
import Glibc
import SystemPackage

/// Looks at files with a user's rights instead of root's (setfsuid(2)).
///
/// Root must not read for a user what that user could not read itself: a link that it planted could
/// lead anywhere.
enum FileSystemUser {
  /// Calls `body` with the user's ids and groups for files, and goes back to one's own.
  ///
  /// The kernel takes the capabilities that concern files away meanwhile, and gives them back
  /// (capabilities(7), "Effect of user ID changes on capabilities").
  ///
  /// - Parameters:
  ///   - user: nil to stay who one is.
  ///   - own: who one is.
  static func acting<Result>(
    as user: TargetUser?, own: Credentials, _ body: () throws(SystemCallFailure) -> Result
  ) throws(SystemCallFailure) -> Result {
    guard let user, user.uid != own.user.effective else { return try body() }
    try become(uid: user.uid, gid: user.gid, groups: user.groups, insteadOf: own.groups)
    let result: Result
    do throws(SystemCallFailure) {
      result = try body()
    } catch {
      try goBack(from: user, to: own)
      throw error
    }
    try goBack(from: user, to: own)
    return result
  }

  private static func goBack(
    from user: TargetUser, to own: Credentials
  ) throws(SystemCallFailure) {
    try become(
      uid: own.user.effective, gid: own.group.effective, groups: own.groups,
      insteadOf: user.groups)
  }

  private static func become(
    uid: uid_t, gid: gid_t, groups: [UInt32], insteadOf others: [UInt32]
  ) throws(SystemCallFailure) {
    if groups != others { try ProcessIdentity.setGroups(groups) }
    // These two return the previous id whether they succeed or not; another call, with an id that
    // cannot be, tells.
    setfsgid(gid)
    setfsuid(uid)
    guard setfsuid(.max) == CInt(bitPattern: uid), setfsgid(.max) == CInt(bitPattern: gid) else {
      throw SystemCallFailure("setfsuid(\(uid))", .notPermitted)
    }
  }
}
