package import Text

/// What path resolution passes on its way along a path: a directory, a link, at last the file
/// (path_resolution(7)).
package struct PathEntry: Equatable, Sendable {
  /// The kinds that matter to who can redirect a path.
  package enum Kind: Sendable {
    case directory
    case link
    case other
  }

  /// Its path, without symbolic links.
  package var path: ByteString
  /// What it is.
  package var kind: Kind
  /// The owner.
  package var uid: UInt32
  /// The group.
  package var gid: UInt32
  /// The twelve permission bits: set-user-ID, set-group-ID, sticky, and the nine.
  package var mode: UInt32
  /// Whether its mount is read-only.
  package var isReadOnly: Bool
  /// For an entry of the prefix: the entries from the prefix down to it, itself the last; empty if
  /// they are not known.
  package var entriesInPrefix: [PrefixEntry] = []

  /// An entry of the prefix, as far as it decides whether the start changes its owner.
  package struct PrefixEntry: Equatable, Sendable {
    /// The owner.
    package var uid: UInt32
    /// Whether something is mounted there.
    package var isMountPoint: Bool

    /// Describes one.
    package init(uid: UInt32, isMountPoint: Bool) {
      self.uid = uid
      self.isMountPoint = isMountPoint
    }
  }
  /// Where it comes from, if that was looked up.
  package var place = FilePlace.unknown

  /// Describes an entry.
  package init(
    path: ByteString, kind: Kind, uid: UInt32, gid: UInt32, mode: UInt32, isReadOnly: Bool = false
  ) {
    self.path = path
    self.kind = kind
    self.uid = uid
    self.gid = gid
    self.mode = mode
    self.isReadOnly = isReadOnly
  }

  /// Whether a user other than root could write it on a writable mount.
  ///
  /// Write permission for group 0 counts: in Kong's images the user kong has it. The mode of a link
  /// means nothing.
  package var isWritableByOthers: Bool { kind != .link && (uid != 0 || mode & 0o022 != 0) }

  /// Whether giving the prefix to a user skips it, because the user could have moved it there.
  func staysOthers(from user: UInt32) -> Bool {
    guard let prefix = entriesInPrefix.first else { return false }
    var isFresh = prefix.uid != user
    for entry in entriesInPrefix.dropFirst() {
      isFresh = isFresh || entry.isMountPoint
      if entry.uid != user, !isFresh { return true }
      isFresh = isFresh && entry.uid != user
    }
    return false
  }

  /// Whether the user owns it; for nil, whether anybody but root does.
  private func isOwned(by user: TargetUser?) -> Bool {
    user.map { $0.uid == uid } ?? (uid != 0)
  }

  /// Whether a user could change it, or get the permission to.
  ///
  /// - Parameter user: nil for anybody but root.
  fileprivate func isWritable(by user: TargetUser?) -> Bool {
    guard !isReadOnly else { return false }
    guard let user else { return isWritableByOthers }
    // Also where not all classes agree, such as 0570: an owner can change the mode, and a group that
    // may not write can be left.
    return kind != .link
      && (uid == user.uid || mode & 0o002 != 0
        || mode & 0o020 != 0 && (user.gid == gid || user.groups.contains(gid)))
  }

  /// Whether the sticky bit, as on /tmp, keeps the user from replacing an entry of this directory:
  /// only the owners of the entry and of the directory may (inode(7)).
  fileprivate func protects(_ entry: PathEntry, from user: TargetUser?) -> Bool {
    mode & 0o1000 != 0 && !isOwned(by: user) && !entry.isOwned(by: user)
  }

  /// "uid 1337, gid 0, mode 0775".
  var description: String {
    let digits = String(mode, radix: 8)
    return
      "uid \(uid), gid \(gid), mode \(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
  }
}

/// The entries on the way along a path: "/" first, the file last. A directory is followed by what was
/// looked up in it, a link by the directory that its target starts from.
extension [PathEntry] {
  /// The first entry that a user could write or replace.
  ///
  /// - Parameter user: nil for anybody but root, who can write everything.
  func firstWritable(by user: TargetUser?) -> PathEntry? {
    for (index, entry) in enumerated() where entry.isWritable(by: user) {
      if index + 1 < count, entry.protects(self[index + 1], from: user) { continue }
      return entry
    }
    return nil
  }

  /// The first entry through which users other than root could have led the path to this file; nil
  /// if only root could.
  ///
  /// It is not enough that they cannot now: what is mounted read-only here may be writable
  /// elsewhere. In a directory with the sticky bit, they cannot remove what root owns, but they may
  /// have put it there: they can move a file or a link of root's from a directory of their own
  /// (rename(2)). They cannot move a directory that they cannot write. And they can put nothing
  /// where this very mount is read-only, like that of a Secret in Kubernetes.
  ///
  /// - Parameter exceptFile: true where it does not matter who can write the file itself.
  package func firstWritableByOthers(exceptFile: Bool = false) -> PathEntry? {
    for (index, entry) in enumerated() where entry.isWritableByOthers {
      guard index + 1 < count else { return exceptFile ? nil : entry }
      let next = self[index + 1]
      let isSafe =
        entry.protects(next, from: nil) && (next.kind == .directory || entry.isReadOnly)
      if !isSafe { return entry }
    }
    return nil
  }
}
