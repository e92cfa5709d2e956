package import Kong
package import Text

/// Gives a prefix, and what is in it, to the user that Kong runs as (chown(2)).
///
/// The kernel removes set-user-ID bits and file capabilities from a file that gets another owner.
package enum PrefixOwnership {
  /// Gives the prefix to the user.
  ///
  /// Creates it if it is missing; new directories above it stay root's.
  ///
  /// Mounts inside the prefix are part of it, such as a volume for the logs. What must not or cannot be
  /// given stays, and is in the report.
  ///
  /// - Throws: ``StartFailure`` if the path contains a link, does not lead to a directory, or the prefix
  ///   cannot be created.
  package static func give(
    _ prefix: Prefix, to uid: UInt32, gid: UInt32
  ) throws(StartFailure) -> OwnershipReport {
    var walk = OwnershipWalk(at: prefix.path, uid: uid, gid: gid)
    if let place = try descend(prefix, makesMissing: true) {
      walk.start(in: place.directory, isPlacedByRoot: place.isPlacedByRoot)
    }
    return walk.report
  }

  /// Follows the path as ``give(_:to:gid:)`` would, and changes nothing.
  ///
  /// - Throws: ``StartFailure`` as ``give(_:to:gid:)``.
  static func checkWay(to prefix: Prefix) throws(StartFailure) {
    _ = try descend(prefix, makesMissing: false)
  }

  /// An open directory, and who can have put it there.
  private struct Place: ~Copyable {
    /// A reference (`O_PATH`).
    let directory: Directory
    let status: FileStatus
    /// Whether only root can have put this directory at its path, or mounted it there.
    let isPlacedByRoot: Bool

    /// The root directory.
    static func root() throws(Errno) -> Place {
      let directory = try Directory.open("/", for: .reference)
      let status = try directory.status()
      return Place(directory: directory, status: status, isPlacedByRoot: true)
    }

    /// Opens a directory in this one.
    func open(_ name: ByteString) throws(Errno) -> Place {
      let other = try directory.open(name, for: .reference)
      let status = try other.status()
      let isPlacedByRoot =
        isPlacedByRoot && keepsOthers(fromMoving: status)
        || other.descriptor.isMountPoint(status, below: self.status.device)
      return Place(directory: other, status: status, isPlacedByRoot: isPlacedByRoot)
    }

    /// Whether only root can have moved a directory here, or replaced it.
    ///
    /// In a directory with the sticky bit, such as /tmp, others cannot remove root's entries, and cannot
    /// move a directory that they cannot write (rename(2)).
    private func keepsOthers(fromMoving other: FileStatus) -> Bool {
      !Place.isOpen(status)
        || status.uid == 0 && status.permissions & 0o1000 != 0 && !Place.isOpen(other)
    }

    private static func isOpen(_ status: FileStatus) -> Bool {
      status.uid != 0 || status.permissions & 0o022 != 0
    }
  }

  /// Descends from the root directory to the prefix, name by name, and never through a link: whoever can
  /// write a directory above the prefix must not lead root elsewhere.
  ///
  /// - Returns: the prefix; nil if it is missing and is not to be created.
  private static func descend(
    _ prefix: Prefix, makesMissing: Bool
  ) throws(StartFailure) -> Place? {
    var path: ByteString = ""
    do throws(Errno) {
      var place = try Place.root()
      for name in prefix.components {
        path = path + "/" + name
        do throws(Errno) {
          place = try place.open(name)
        } catch {
          guard error == .noSuchFileOrDirectory else { throw error }
          guard makesMissing else { return nil }
          try make(name, in: place.directory)
          place = try place.open(name)
        }
      }
      return place
    } catch {
      throw failure(prefix, at: path, error)
    }
  }

  /// Creates a directory in another, unless it exists by now.
  private static func make(
    _ name: ByteString, in parent: borrowing Directory
  ) throws(Errno) {
    do throws(Errno) { try parent.make(name, mode: 0o755) } catch {
      if error != .fileExists { throw error }
    }
  }

  private static func failure(
    _ prefix: Prefix, at path: ByteString, _ reason: Errno
  ) -> StartFailure {
    let what = "\(prefix.path) cannot be given to Kong's user"
    // O_DIRECTORY with O_NOFOLLOW refuses a link with ENOTDIR (open(2)).
    guard reason == .notDirectory || reason == .tooManySymbolicLinkLevels else {
      return StartFailure(
        status: ExitStatus.notPermitted, what: what, why: "\(path): \(reason)",
        waysOut: reason == .readOnlyFileSystem
          ? OwnershipReport.waysOutOfReadOnly
          : [
            "make \(prefix.path) in the image, or mount a volume there",
            "name another directory with KONG_PREFIX",
          ])
    }
    guard let target = readLink(path) else {
      return StartFailure(
        status: ExitStatus.configuration, what: what, why: "\(path) is not a directory",
        waysOut: ["name a directory with KONG_PREFIX"])
    }
    return StartFailure(
      status: ExitStatus.configuration, what: what,
      why: "\(path) is a link to \(target), and root follows no links: they could lead anywhere",
      waysOut: [
        "name the directory itself with KONG_PREFIX; realpath \(prefix.path) prints it",
        "mount the volume at \(prefix.path) instead of linking to it",
      ])
  }
}
