import EntrypointPlan
import Glibc
import SystemPackage

/// Gives a prefix, and what is in it, to the user that Kong runs as (chown(2)).
///
/// The kernel takes set-user-ID bits and file capabilities off a file that gets another owner.
public enum PrefixOwnership {
  /// Gives the prefix away; makes it where it is not there, and what is missing above it, which stays
  /// root's.
  ///
  /// Mounts inside belong to it, as a volume for the logs does. What must not or cannot be given is
  /// left, and in the report.
  ///
  /// - Throws: ``StartFailure`` where the path does not lead to a directory without a link, or the
  ///   prefix cannot be made.
  public static func give(
    _ prefix: Prefix, to uid: UInt32, gid: UInt32
  ) throws(StartFailure) -> OwnershipReport {
    var walk = OwnershipWalk(at: prefix.path, uid: uid, gid: gid)
    if let directory = try descend(prefix, makesMissing: true) { walk.start(in: directory) }
    return walk.report
  }

  /// Goes the way that ``give(_:to:gid:)`` would go to the prefix, and changes nothing.
  ///
  /// - Throws: ``StartFailure`` as ``give(_:to:gid:)``.
  static func checkWay(to prefix: Prefix) throws(StartFailure) {
    _ = try descend(prefix, makesMissing: false)
  }

  /// Goes from the root directory down to the prefix, one name after another, and never through a
  /// link: who can write a directory above it must not lead root elsewhere.
  ///
  /// - Returns: a reference to the prefix (`O_PATH`); nil where it is not there, and not to be made.
  private static func descend(
    _ prefix: Prefix, makesMissing: Bool
  ) throws(StartFailure) -> Directory? {
    var path: ByteString = ""
    do throws(Errno) {
      var directory = try Directory.open("/", access: openPath)
      for name in prefix.components {
        path = path + "/" + name
        let parent = directory.descriptor
        do throws(Errno) {
          directory = try Directory.open(name, in: parent, access: openPath)
        } catch {
          guard error == .noSuchFileOrDirectory else { throw error }
          guard makesMissing else { return nil }
          try make(name, in: parent)
          directory = try Directory.open(name, in: parent, access: openPath)
        }
      }
      return directory
    } catch {
      throw failure(prefix, at: path, error)
    }
  }

  /// Makes a directory in another, unless somebody else has been faster.
  private static func make(_ name: ByteString, in parent: CInt) throws(Errno) {
    guard name.withCString({ mkdirat(parent, $0, 0o755) }) != 0, errno != EEXIST else { return }
    throw Errno(rawValue: errno)
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
