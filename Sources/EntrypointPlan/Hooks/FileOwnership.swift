/// Who may write a file or a directory (inode(7), path_resolution(7)).
public struct FileOwnership: Equatable, Sendable {
  /// Its path, without symbolic links.
  public var path: ByteString
  /// The owner.
  public var uid: UInt32
  /// The group.
  public var gid: UInt32
  /// The twelve permission bits: set-user-ID, set-group-ID, sticky, and the nine.
  public var mode: UInt32
  /// Whether its mount is read-only.
  public var isReadOnly: Bool

  /// Describes a file.
  public init(
    path: ByteString, uid: UInt32, gid: UInt32, mode: UInt32, isReadOnly: Bool = false
  ) {
    self.path = path
    self.uid = uid
    self.gid = gid
    self.mode = mode
    self.isReadOnly = isReadOnly
  }

  /// Whether a user could change the file, or give himself the permission to.
  ///
  /// Root, who can write everything, stands for everybody else: what any other user could write.
  func isWritable(by user: TargetUser) -> Bool {
    if isReadOnly { return false }
    if user.uid == 0 { return uid != 0 || mode & 0o022 != 0 }
    // Also where not all classes agree, such as 0570: an owner can change the mode, and a group that
    // may not write can be left.
    return uid == user.uid || mode & 0o002 != 0
      || mode & 0o020 != 0 && (user.gid == gid || user.groups.contains(gid))
  }

  /// "uid 1337, gid 0, mode 0775".
  var description: String {
    let digits = String(mode, radix: 8)
    return
      "uid \(uid), gid \(gid), mode \(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
  }
}

extension [FileOwnership] {
  /// The first of a path's components, the file first, that a user could write or replace.
  ///
  /// In a directory with the sticky bit, such as /tmp, nobody replaces what is another's.
  func firstWritable(by user: TargetUser) -> FileOwnership? {
    for (index, component) in enumerated() where component.isWritable(by: user) {
      let isSticky = component.mode & 0o1000 != 0 && component.uid != user.uid
      if index > 0, isSticky, self[index - 1].uid != user.uid { continue }
      return component
    }
    return nil
  }
}
