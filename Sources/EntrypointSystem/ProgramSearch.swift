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
    if name.isEmpty { return .absent }
    var refused: ProgramLookup = .absent
    for place in places(of: name, path: path) {
      switch try inspect(place, path: path) {
      case .found(let file): return .found(file)
      case .absent: continue
      case let lookup: if refused == .absent { refused = lookup }
      }
    }
    return refused
  }

  /// The paths at which execvp(3) looks for a program of this name, in order.
  static func places(of name: ByteString, path: ByteString?) -> [ByteString] {
    let slash = UInt8(ascii: "/")
    if name.bytes.contains(slash) { return [name] }
    let directories = (path ?? defaultPath).bytes.split(
      separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return directories.map { directory in
      // An empty element is the current directory (environ(7)).
      (directory.isEmpty ? ByteString("./") : ByteString(directory + [slash])) + name
    }
  }

  /// Reads what there is to know of a proxy's file, at its place without symbolic links.
  ///
  /// Who can put a link on the way to it chooses the program, so the links' own places count, too.
  static func findProxy(
    _ path: ByteString, searchPath: ByteString?
  ) throws(SystemCallFailure) -> ProgramLookup {
    guard let way = try? PathEntry.way(along: path), let last = way.last else { return .absent }
    let lookup = try inspect(last.path, path: searchPath)
    guard case .found(var file) = lookup else { return lookup }
    file.writableComponent = way.firstOpenToOthers()?.path
    return .found(file)
  }

  private static func inspect(
    _ path: ByteString, path searchPath: ByteString?
  ) throws(SystemCallFailure) -> ProgramLookup {
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
    try readGrantFacts(&file, path: searchPath)
    return .found(file)
  }

  /// Reads file capabilities and mount options, whether it is a script, and whether it can run at all.
  ///
  /// Of a file that cannot be opened for reading nothing is known; then the exec tells.
  private static func readGrantFacts(
    _ file: inout ProgramFile, path: ByteString?
  ) throws(SystemCallFailure) {
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
    var start = [UInt8](repeating: 0, count: ProgramBeginning.limit)
    let count = try checked("read(\(file.path))") {
      CInt(pread(descriptor.rawValue, &start, start.count, 0))
    }
    let beginning = ProgramBeginning(Array(start.prefix(Int(count))))
    if case .script = beginning { file.isScript = true }
    file.obstacle = ProgramObstacle.find(beginning, path: path)
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
