package import Kong
package import Text

/// Gives a prefix, and what is in it, to the user that Kong runs as (chown(2)).
///
/// The kernel takes set-user-ID bits and file capabilities off a file that gets another owner.
package enum PrefixOwnership {
  /// Gives the prefix away; makes it where it is not there, and what is missing above it, which stays
  /// root's.
  ///
  /// Mounts inside belong to it, as a volume for the logs does. What must not or cannot be given is
  /// left, and in the report: once the prefix is the user's, what others own in it is none of it.
  ///
  /// - Throws: ``StartFailure`` where the path does not lead to a directory without a link, or the
  ///   prefix cannot be made.
  package static func give(
    _ prefix: Prefix, to uid: UInt32, gid: UInt32
  ) throws(StartFailure) -> OwnershipReport {
    var walk = OwnershipWalk(at: prefix.path, uid: uid, gid: gid)
    if let place = try descend(prefix, makesMissing: true) {
      walk.start(in: place.directory, isPlacedByRoot: place.isPlacedByRoot)
    }
    return walk.report
  }

  /// Goes the way that ``give(_:to:gid:)`` would go to the prefix, and changes nothing.
  ///
  /// - Throws: ``StartFailure`` as ``give(_:to:gid:)``.
  static func checkWay(to prefix: Prefix) throws(StartFailure) {
    _ = try descend(prefix, makesMissing: false)
  }

  /// An open directory, and who can have put it where it is.
  private struct Place: ~Copyable {
    /// A reference (`O_PATH`).
    let directory: Directory
    let status: FileStatus
    /// Whether nobody but root can have led the path to this directory, or mounted it there.
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

    /// Whether only root can have moved a directory here, or another in its place.
    ///
    /// In one with the sticky bit, such as /tmp, others cannot take away what is root's; and to move a
    /// directory they would have to be able to write it (rename(2)).
    private func keepsOthers(fromMoving other: FileStatus) -> Bool {
      !Place.isOpen(status)
        || status.uid == 0 && status.permissions & 0o1000 != 0 && !Place.isOpen(other)
    }

    private static func isOpen(_ status: FileStatus) -> Bool {
      status.uid != 0 || status.permissions & 0o022 != 0
    }
  }

  /// Goes from the root directory down to the prefix, one name after another, and never through a
  /// link: who can write a directory above it must not lead root elsewhere.
  ///
  /// - Returns: the prefix; nil where it is not there, and not to be made.
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

  /// Makes a directory in another, unless somebody else has been faster.
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
    // A link is none with O_DIRECTORY and O_NOFOLLOW (open(2)).
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
      why: "\(path) is a link, to \(target), and root follows none: it could lead anywhere",
      waysOut: [
        "name the directory itself with KONG_PREFIX; realpath \(prefix.path) prints it",
        "mount the volume at \(prefix.path) instead of linking to it",
      ])
  }
}
