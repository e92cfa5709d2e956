import EntrypointPlan
import Glibc
import SystemPackage

/// Gives a prefix, and what is in it, to the user that Kong runs as (chown(2)).
///
/// The kernel takes set-user-ID bits and file capabilities off a file that gets another owner.
public enum PrefixOwnership {
  /// Gives the prefix away; makes it where it is not there.
  ///
  /// Mounts inside belong to it, as a volume for the logs does. What must not or cannot be given is
  /// left, and in the report.
  ///
  /// - Throws: ``StartFailure`` where the path does not lead to a directory without a link, or the
  ///   prefix cannot be made.
  public static func give(
    _ prefix: Prefix, to uid: UInt32, gid: UInt32
  ) throws(StartFailure) -> OwnershipReport {
    var report = try walk(prefix, OwnershipWalk(at: prefix.path, uid: uid, gid: gid, changes: true))
    if report == nil {
      try make(prefix)
      report = try walk(prefix, OwnershipWalk(at: prefix.path, uid: uid, gid: gid, changes: true))
      report?.created = true
    }
    return report ?? OwnershipReport()
  }

  /// Says what ``give(_:to:gid:)`` would change, and changes nothing.
  ///
  /// What the kernel would refuse is not known beforehand.
  ///
  /// - Throws: ``StartFailure`` as ``give(_:to:gid:)``.
  public static func survey(
    _ prefix: Prefix, for uid: UInt32, gid: UInt32
  ) throws(StartFailure) -> OwnershipReport {
    let walk = OwnershipWalk(at: prefix.path, uid: uid, gid: gid, changes: false)
    if let report = try self.walk(prefix, walk) { return report }
    var report = OwnershipReport()
    report.created = true
    return report
  }

  /// The walk's report; nil where the prefix is not there.
  private static func walk(
    _ prefix: Prefix, _ walk: OwnershipWalk
  ) throws(StartFailure) -> OwnershipReport? {
    guard let directory = try descend(prefix, { _, _ throws(Errno) in false }) else { return nil }
    var walk = walk
    walk.start(in: directory)
    return walk.report
  }

  /// Makes the prefix, and what is missing above it, which stays root's.
  private static func make(_ prefix: Prefix) throws(StartFailure) {
    _ = try descend(prefix) { name, parent throws(Errno) in
      // Somebody else may have been faster.
      guard name.withCString({ mkdirat(parent, $0, 0o755) }) != 0, errno != EEXIST else {
        return true
      }
      throw Errno(rawValue: errno)
    }
  }

  /// Goes from the root directory down to the prefix, one name after another, and never through a
  /// link: who can write a directory above it must not lead root elsewhere.
  ///
  /// - Parameter makeMissing: whether it has made a directory of this name in that one.
  /// - Returns: a reference to the prefix (`O_PATH`); nil where it is not there.
  private static func descend(
    _ prefix: Prefix, _ makeMissing: (ByteString, CInt) throws(Errno) -> Bool
  ) throws(StartFailure) -> Directory? {
    var path: ByteString = ""
    do throws(Errno) {
      var directory = try Directory.open("/", access: openPath)
      for name in prefix.components {
        path = path + "/" + name
        guard let next = try child(name, of: directory.descriptor, makeMissing) else { return nil }
        directory = next
      }
      return directory
    } catch {
      throw failure(prefix, at: path, error)
    }
  }

  /// A reference to a directory in another; nil where there is none, and none was made.
  private static func child(
    _ name: ByteString, of parent: CInt, _ makeMissing: (ByteString, CInt) throws(Errno) -> Bool
  ) throws(Errno) -> Directory? {
    do throws(Errno) {
      return try Directory.open(name, in: parent, access: openPath)
    } catch {
      guard error == .noSuchFileOrDirectory else { throw error }
      guard try makeMissing(name, parent) else { return nil }
      return try Directory.open(name, in: parent, access: openPath)
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
