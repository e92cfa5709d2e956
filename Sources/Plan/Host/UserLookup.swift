package import Capabilities
package import Text

extension Accounts {
  /// Finds the user that `USER[:GROUP]` means.
  ///
  /// All forms of su-exec and gosu: `user`, `uid`, `user:group`, `:group`, `user:`. A name beats a
  /// number. A number needs no line in /etc/passwd: then HOME is "/", and the group is the current
  /// one unless given. With a group, it is the only one; without, /etc/group is asked, and the groups
  /// that the container engine has added are kept.
  ///
  /// - Parameters:
  ///   - request: such as "kong" or "1337:0".
  ///   - origin: where the request comes from, for messages.
  ///   - current: who the process is now.
  ///   - keepsGroups: false to keep no group of the engine's.
  /// - Throws: ``StartFailure`` for a user or group that does not exist, and where a file is there and
  ///   could not be read: what it says of the user is not known.
  package func target(
    _ request: String, origin: Origin, current: Credentials, keepsGroups: Bool = true
  ) throws(StartFailure) -> TargetUser {
    if let failure { throw failure }
    let parts = request.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let userPart = parts.first.map(String.init) ?? ""
    let groupPart = parts.count > 1 ? String(parts[1]) : ""
    guard !(userPart.isEmpty && groupPart.isEmpty) else {
      throw unknown("user", request, origin: origin)
    }
    if let distrust, Accounts.id(userPart) == nil || Accounts.id(groupPart) == nil {
      throw distrust
    }

    let uid: UInt32
    let account: Account?
    if userPart.isEmpty {
      uid = current.user.effective
      account = users.first { $0.uid == uid }
    } else if let named = users.first(where: { $0.name == userPart }) {
      (uid, account) = (named.uid, named)
    } else if let number = Accounts.id(userPart) {
      uid = number
      account = users.first { $0.uid == number }
    } else {
      throw unknown("user", userPart, origin: origin)
    }

    let home = account.map { $0.home.isEmpty ? "/" : $0.home } ?? "/"
    if !groupPart.isEmpty {
      let gid = try group(groupPart, origin: origin)
      return TargetUser(name: account?.name, uid: uid, gid: gid, groups: [gid], home: home)
    }
    let gid = account?.gid ?? current.group.effective
    let own = Set((account.map(supplementaryGroups) ?? []) + [gid])
    let kept = keepsGroups ? engineGroups(of: current).subtracting(own) : []
    return TargetUser(
      name: account?.name, uid: uid, gid: gid,
      groups: current.groups(insteadOf: own.union(kept).sorted(), uid: uid, gid: gid),
      engineGroups: kept.sorted(), home: home)
  }

  private func supplementaryGroups(of account: Account) -> [UInt32] {
    groups.filter { $0.members.contains(account.name) }.map { $0.gid }
  }

  /// The groups of a process that neither root nor the process's user has by the account files: the
  /// engine added them for what the container mounts (Kubernetes fsGroup and supplementalGroups,
  /// docker run --group-add).
  private func engineGroups(of process: Credentials) -> Set<UInt32> {
    // Root's group where there is no /etc/passwd.
    var fromFiles: Set<UInt32> = [0]
    for account in users where account.uid == 0 || account.uid == process.user.effective {
      fromFiles.insert(account.gid)
      fromFiles.formUnion(supplementaryGroups(of: account))
    }
    return Set(process.groups).subtracting(fromFiles)
  }

  private func group(_ request: String, origin: Origin) throws(StartFailure) -> UInt32 {
    if let named = groups.first(where: { $0.name == request }) { return named.gid }
    if let number = Accounts.id(request) { return number }
    throw unknown("group", request, origin: origin)
  }

  /// The id that `text` writes in decimal; not 4294967295, which system calls take for "no change".
  private static func id(_ text: String) -> UInt32? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit), let id = UInt32(text), id != .max else {
      return nil
    }
    return id
  }

  private func unknown(_ kind: String, _ name: String, origin: Origin) -> StartFailure {
    let (file, isEmpty) =
      kind == "user" ? ("/etc/passwd", users.isEmpty) : ("/etc/group", groups.isEmpty)
    let name = ByteString(name)
    // Somebody who wrote a name need not be told the range of numbers.
    let isNumber = name.bytes.first.map { isDigit($0) || $0 == UInt8(ascii: "-") } ?? false
    return StartFailure(
      status: ExitStatus.configuration,
      what: "\(origin.description): there is no \(kind) \"\(name)\"",
      why: isEmpty
        ? "\(file) does not exist, or has no readable line"
        : "\(file) has no readable line for \"\(name)\""
          + (isNumber ? ", and it is not a number from 0 to 4294967294" : ""),
      waysOut: [
        "add the \(kind) to \(file) in the image",
        "name another with --user USER[:GROUP] or ENTRYPOINT_USER, by name or by number",
      ]
    )
  }
}

extension Credentials {
  /// The groups of a user; or, where they cannot be set, those that this process has, if they serve.
  ///
  /// They do if the only difference is whether the group itself is listed: an engine lists it for a
  /// container, and not for an exec in it. And they do if this process is that user already.
  fileprivate func groups(insteadOf groups: [UInt32], uid: UInt32, gid: UInt32) -> [UInt32] {
    guard group == ProcessIDs(gid), !effective.contains(.setgid) else { return groups }
    let isSame = Set(self.groups).union([gid]) == Set(groups).union([gid])
    return isSame || user == ProcessIDs(uid) ? self.groups : groups
  }
}
