import CLinux
import EntrypointPlan
import Glibc
import SystemPackage

/// Finds programs as execvp(3) does, and reads what a grant needs to know of their files.
enum ProgramSearch {
  /// What glibc searches where PATH is not set (confstr(3), _CS_PATH).
  private static let defaultPath: ByteString = "/bin:/usr/bin"

  /// Looks a command up on PATH; a name with a slash is a path already.
  static func find(
    _ name: ByteString, path: ByteString?
  ) throws(SystemCallFailure) -> ProgramLookup {
    let slash = UInt8(ascii: "/")
    if name.isEmpty { return .absent }
    if name.bytes.contains(slash) { return try inspect(name) }
    var refused: ProgramLookup = .absent
    let directories = (path ?? defaultPath).bytes.split(
      separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    for directory in directories {
      // An empty element is the current directory (environ(7)).
      let prefix = directory.isEmpty ? ByteString("./") : ByteString(directory + [slash])
      switch try inspect(prefix + name) {
      case .found(let file): return .found(file)
      case .absent: continue
      case let lookup: if refused == .absent { refused = lookup }
      }
    }
    return refused
  }

  /// Reads what there is to know of a proxy's file, at its place without symbolic links.
  ///
  /// Who can put a link on the way to it chooses the program, so the links' own places count, too.
  static func findProxy(_ path: ByteString) throws(SystemCallFailure) -> ProgramLookup {
    guard let way = try? PathEntry.way(along: path), let last = way.last else { return .absent }
    let lookup = try inspect(last.path)
    guard case .found(var file) = lookup else { return lookup }
    file.writableComponent = way.firstOpenToOthers()?.path
    return .found(file)
  }

  private static func inspect(_ path: ByteString) throws(SystemCallFailure) -> ProgramLookup {
    guard let status = try status(of: path) else { return .absent }
    guard status.type == .regular else {
      return .notExecutable(path: path, reason: "it is not a regular file")
    }
    let permissions = status.permissions
    guard !permissions.isDisjoint(with: [.ownerExecute, .groupExecute, .otherExecute]) else {
      return .notExecutable(path: path, reason: "nobody has the permission to execute it")
    }
    var file = ProgramFile(path: path, identity: FileIdentity(status))
    file.isSetID = !permissions.isDisjoint(with: [.setUserID, .setGroupID])
    try readGrantFacts(&file)
    return .found(file)
  }

  /// Reads file capabilities and mount options, and whether it is a script.
  ///
  /// Of a file that cannot be opened for reading nothing is known; then the exec tells.
  private static func readGrantFacts(_ file: inout ProgramFile) throws(SystemCallFailure) {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        file.path.path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch {
      let reason = error as? Errno ?? .ioError
      if reason == .permissionDenied { return }
      throw SystemCallFailure("open(\(file.path))", reason)
    }
    defer { try? descriptor.close() }
    var start: (UInt8, UInt8) = (0, 0)
    try checked("read(\(file.path))") { CInt(pread(descriptor.rawValue, &start, 2, 0)) }
    file.isScript = start == (UInt8(ascii: "#"), UInt8(ascii: "!"))
    switch try FileCapabilities.read(descriptor) {
    case .present(let capabilities): file.capabilities = capabilities
    case .unsupported: file.supportsAttributes = false
    case .absent: break
    }
    var mount = statvfs()
    try checked("fstatvfs(\(file.path))") { fstatvfs(descriptor.rawValue, &mount) }
    if mount.f_flag & UInt(ST_RDONLY) != 0 { file.mount.insert(.readOnly) }
    if mount.f_flag & UInt(ST_NOSUID) != 0 { file.mount.insert(.noSetID) }
  }

  /// What stat(2) says; nil where nothing is there, or nothing that this process may see.
  private static func status(of path: ByteString) throws(SystemCallFailure) -> Stat? {
    do {
      return try Stat(path.path)
    } catch {
      switch error {
      case .noSuchFileOrDirectory, .notDirectory, .permissionDenied, .tooManySymbolicLinkLevels,
        .fileNameTooLong:
        return nil
      case let reason: throw SystemCallFailure("stat(\(path))", reason)
      }
    }
  }
}

extension FileIdentity {
  /// Which file a status is of.
  init(_ status: Stat) {
    self.init(
      device: UInt64(status.deviceID.rawValue), inode: UInt64(status.inode.rawValue),
      changeTime: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec))
  }
}
