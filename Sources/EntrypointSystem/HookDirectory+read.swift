import EntrypointPlan
import Glibc
import SystemPackage

extension HookDirectory {
  /// Lists the hook directory; nil where there is none.
  static func read(_ path: ByteString = HookDirectory.path) throws(SystemCallFailure)
    -> HookDirectory?
  {
    guard let stream = path.withCString({ opendir($0) }) else {
      let reason = Errno(rawValue: errno)
      return reason == .noSuchFileOrDirectory ? nil : HookDirectory(unreadable: "\(reason)")
    }
    defer { closedir(stream) }
    var directory = HookDirectory(components: try FileOwnership.components(of: path))
    errno = 0
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { ByteString(cString: $0) }
      }
      let file = path + "/" + name
      // Directories are nobody's hooks.
      let isFile: Bool
      do { isFile = try isRegularFile(file) } catch {
        return HookDirectory(unreadable: "\(file): \(error)")
      }
      if isFile {
        directory.files.append(
          HookFile(name: name, components: try FileOwnership.components(of: file)))
      }
      errno = 0
    }
    guard errno == 0 else { throw SystemCallFailure("readdir(\(path))", Errno(rawValue: errno)) }
    return directory
  }

  /// Whether a path leads to a regular file; not, where it leads nowhere, as an editor's lock does.
  ///
  /// - Throws: `Errno` where that cannot be known: the directory may be one to list, not to enter.
  private static func isRegularFile(_ path: ByteString) throws(Errno) -> Bool {
    do throws(Errno) {
      return try Stat(path.path).type == .regular
    } catch {
      switch error {
      case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: return false
      default: throw error
      }
    }
  }
}
