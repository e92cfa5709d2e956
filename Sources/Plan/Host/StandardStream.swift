package import Text

/// What standard output or standard error is.
package struct StandardStream: Equatable, Sendable {
  /// The kinds of file that matter to a process that opens /dev/stdout.
  package enum Kind: String, Sendable {
    case pipe
    case terminal
    case file
    /// A socket cannot be opened by a path at all.
    case socket
    /// Such as /dev/null.
    case otherDevice
    case closed
  }

  /// 1 or 2.
  package var descriptor: DescriptorNumber
  /// What it is.
  package var kind: Kind
  /// Which file it is.
  package var identity: FileIdentity
  /// The owner.
  package var uid: UInt32
  /// The group.
  package var gid: UInt32
  /// The nine permission bits (inode(7)).
  package var mode: UInt32

  /// "stdout" or "stderr".
  package var name: String { descriptor == 1 ? "stdout" : "stderr" }

  /// Creates a description of a stream.
  package init(
    descriptor: DescriptorNumber, kind: Kind,
    identity: FileIdentity = FileIdentity(device: 0, inode: 0),
    uid: UInt32 = 0, gid: UInt32 = 0, mode: UInt32 = 0o600
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.identity = identity
    self.uid = uid
    self.gid = gid
    self.mode = mode
  }
}

extension StandardStream {
  /// Whether a change of owner lets the user open it by path, and harms nobody.
  func isWorthGiving(to target: TargetUser) -> Bool {
    switch kind {
    case .pipe, .terminal, .file: !isWritable(by: target)
    // A socket cannot be opened by path, whoever owns it; other devices belong to everybody.
    case .socket, .otherDevice, .closed: false
    }
  }

  /// Why a user cannot open it by its path, and what open(2) says then.
  var obstacle: (why: String, error: String) {
    kind == .socket
      ? (
        "\(name) is a socket, and no socket can be opened by its path",
        "6: No such device or address"
      )
      : (
        "\(name) is a \(kind.rawValue) of uid \(uid), mode 0\(String(mode, radix: 8))",
        "13: Permission denied"
      )
  }

  private func isWritable(by target: TargetUser) -> Bool {
    if uid == target.uid { return mode & 0o200 != 0 }
    if gid == target.gid || target.groups.contains(gid) { return mode & 0o020 != 0 }
    return mode & 0o002 != 0
  }
}
