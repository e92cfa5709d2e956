import Capabilities
package import Text

extension HostSnapshot {
  /// The user to become: the one asked for; else kong, if root starts a `kong` command; else none.
  ///
  /// - Throws: ``StartFailure`` for a user that does not exist.
  package func dropTarget(for request: Request) throws(StartFailure) -> TargetUser? {
    if let user = request.user {
      return try accounts.target(
        user.text, origin: user.origin, current: credentials, keepsGroups: request.keepsGroups)
    }
    guard request.isKong, credentials.user.effective == 0 else { return nil }
    let kong = try accounts.target(
      "kong", origin: .command(request.kongCommand), current: credentials,
      keepsGroups: request.keepsGroups)
    guard kong.uid != 0 else { throw HostSnapshot.kongIsRoot }
    return kong
  }

  private static let kongIsRoot = StartFailure(
    status: ExitStatus.configuration,
    what: "the user kong is root: /etc/passwd gives it uid 0",
    why: "as root, entrypoint drops to the user kong before it runs Lua or nginx",
    waysOut: [
      "give kong a uid of its own in /etc/passwd", "name another user: --user, or ENTRYPOINT_USER",
    ])

  /// Who this process is.
  package var currentUser: TargetUser {
    let account = accounts.users.first { $0.uid == credentials.user.effective }
    return TargetUser(
      name: account?.name, uid: credentials.user.effective, gid: credentials.group.effective,
      groups: credentials.groups, home: account?.home ?? "/")
  }
}
