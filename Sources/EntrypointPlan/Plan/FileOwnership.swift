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

  /// Whether it is the user's; of nil, whether it is anybody's but root's.
  private func isOwned(by user: TargetUser?) -> Bool {
    user.map { $0.uid == uid } ?? (uid != 0)
  }

  /// Whether a user could change the file, or give himself the permission to.
  ///
  /// - Parameter user: nil for anybody but root.
  fileprivate func isWritable(by user: TargetUser?) -> Bool {
    if isReadOnly { return false }
    // Also where not all classes agree, such as 0570: an owner can change the mode, and a group that
    // may not write can be left.
    if isOwned(by: user) || mode & 0o002 != 0 { return true }
    return mode & 0o020 != 0 && (user.map { $0.gid == gid || $0.groups.contains(gid) } ?? true)
  }

  /// Whether the user could not replace an entry of this directory that he could not write either: in
  /// one with the sticky bit, such as /tmp, that is for the owners of both.
  fileprivate func protects(_ entry: FileOwnership, from user: TargetUser?) -> Bool {
    mode & 0o1000 != 0 && !isOwned(by: user) && !entry.isOwned(by: user)
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
  /// Write permission for group 0 counts: in Kong's images the kong user has it.
  ///
  /// - Parameter user: nil for anybody but root, who can write everything.
  public func firstWritable(by user: TargetUser?) -> FileOwnership? {
    for (index, component) in enumerated() where component.isWritable(by: user) {
      if index > 0, component.protects(self[index - 1], from: user) { continue }
      return component
    }
    return nil
  }
}
