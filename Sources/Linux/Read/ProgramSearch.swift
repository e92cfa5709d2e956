import Capabilities
import Plan
import Text

/// Finds programs as execvp(3) does, and reads what a grant needs to know of their files.
enum ProgramSearch {
  /// Where glibc searches if PATH is not set (confstr(3), _CS_PATH).
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

  /// Reads a proxy's file, at its path without symbolic links.
  ///
  /// Whoever can replace a link in the path chooses the program, so the places of the links count, too.
  static func findProxy(
    _ path: ByteString, searchPath: ByteString?
  ) throws(SystemCallFailure) -> ProgramLookup {
    let entries: [PathEntry]
    do throws(SystemCallFailure) { entries = try PathEntry.resolve(path) } catch { return .absent }
    guard let last = entries.last else { return .absent }
    let lookup = try inspect(last.path, path: searchPath)
    guard case .found(var file) = lookup else { return lookup }
    file.writableComponent = entries.firstWritableByOthers()?.path
    return .found(file)
  }

  private static func inspect(
    _ path: ByteString, path searchPath: ByteString?
  ) throws(SystemCallFailure) -> ProgramLookup {
    guard let pinned = try pin(path) else { return .absent }
    guard pinned.isRegular else { return .notRegular(path: path) }
    let permissions = pinned.status.permissions
    guard permissions & 0o111 != 0 else {
      return .notExecutable(path: path, reason: "no user may execute it")
    }
    var file = ProgramFile(path: path, identity: FileIdentity(pinned.status))
    file.isSetID = permissions & 0o6000 != 0
    try readGrantFacts(&file, pinned, path: searchPath)
    return .found(file)
  }

  /// Reads file capabilities and mount options, whether it is a script, and whether it can run.
  ///
  /// If the file cannot be opened for reading, none of that is known, and the exec decides.
  private static func readGrantFacts(
    _ file: inout ProgramFile, _ pinned: borrowing PinnedFile, path: ByteString?
  ) throws(SystemCallFailure) {
    guard let opened = try openIfReadable(pinned, path: file.path) else { return }
    let beginning: ProgramBeginning
    do throws(Errno) {
      beginning = ProgramBeginning(try opened.contents(limit: ProgramBeginning.limit))
    } catch {
      throw SystemCallFailure("read(\(file.path))", error)
    }
    if case .script = beginning { file.isScript = true }
    file.obstacle = ProgramObstacle.find(beginning, path: path)
    let (mount, reading) = try mountAndCapabilities(opened, path: file.path)
    switch reading {
    case .present(let capabilities): file.capabilities = capabilities
    case .unsupported: file.supportsAttributes = false
    case .absent: break
    }
    if mount.isReadOnly { file.mount.insert(.readOnly) }
    if mount.isNoSetID { file.mount.insert(.noSetID) }
  }

  private static func mountAndCapabilities(
    _ file: borrowing OpenFile, path: ByteString
  ) throws(SystemCallFailure) -> (MountFlags, FileCapabilities.Reading) {
    try file.withDescriptor { descriptor throws(SystemCallFailure) in
      let mount: MountFlags
      do throws(Errno) { mount = try MountFlags(of: descriptor) } catch {
        throw SystemCallFailure("fstatvfs(\(path))", error)
      }
      return (mount, try FileCapabilities.read(descriptor))
    }
  }

  private static func openIfReadable(
    _ pinned: borrowing PinnedFile, path: ByteString
  ) throws(SystemCallFailure) -> OpenFile? {
    do throws(Errno) { return try pinned.open() } catch {
      if error == .permissionDenied { return nil }
      throw SystemCallFailure("open(\(path))", error)
    }
  }

  /// Refers to a file; nil if it does not exist, or this process may not see it.
  private static func pin(_ path: ByteString) throws(SystemCallFailure) -> PinnedFile? {
    do throws(Errno) {
      return try PinnedFile(path)
    } catch {
      switch error {
      case .noSuchFileOrDirectory, .notDirectory, .permissionDenied, .tooManySymbolicLinkLevels,
        .fileNameTooLong:
        return nil
      case let reason: throw SystemCallFailure("open(\(path))", reason)
      }
    }
  }
}

extension FileIdentity {
  /// The file that a status describes.
  init(_ status: FileStatus) {
    self.init(
      device: status.device, inode: status.inode,
      changeTime: Int64(status.change.seconds) * 1_000_000_000 + Int64(status.change.nanoseconds))
  }
}
