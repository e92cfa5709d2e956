import EntrypointPlan
import Glibc
import SystemPackage

extension FileOwnership {
  /// A file and each directory above it, without symbolic links.
  static func components(of path: ByteString) throws(SystemCallFailure) -> [FileOwnership] {
    guard let resolved = realPath(path) else {
      throw SystemCallFailure("realpath(\(path))", Errno(rawValue: errno))
    }
    var components = try components(ofResolved: resolved)
    for index in components.indices { components[index].readMount() }
    return components
  }

  /// The same for a path that is without links already; which mounts are read-only is left out.
  static func components(
    ofResolved path: ByteString
  ) throws(SystemCallFailure) -> [FileOwnership] {
    var components: [FileOwnership] = []
    var next: ByteString? = path
    while let component = next {
      components.append(try FileOwnership(of: component))
      next = component.parentDirectory
    }
    return components
  }

  private init(of path: ByteString) throws(SystemCallFailure) {
    do {
      let status = try Stat(path.path, followTargetSymlink: false)
      self.init(
        path: path, uid: status.userID.rawValue, gid: status.groupID.rawValue,
        mode: UInt32(status.permissions.rawValue) & 0o7777)
    } catch {
      throw SystemCallFailure("stat(\(path))", error)
    }
  }

  /// Where the mount does not answer, it counts as writable.
  private mutating func readMount() {
    var mount = statvfs()
    if path.withCString({ statvfs($0, &mount) }) == 0 {
      isReadOnly = mount.f_flag & UInt(ST_RDONLY) != 0
    }
  }
}
