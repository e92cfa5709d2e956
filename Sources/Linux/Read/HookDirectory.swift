import Plan
import Text

extension HookDirectory {
  /// How many names are read; each one costs a path resolution.
  private static let limit = 1000

  /// Reads the hook directory; nil if there is none.
  static func read(_ path: ByteString = HookDirectory.path) throws(SystemCallFailure)
    -> HookDirectory?
  {
    var names: [ByteString] = []
    do throws(Errno) {
      // The directory itself may be a link.
      let directory = try Directory.open(path + "/.")
      try directory.forEachEntryWhile { entry in
        names.append(entry.name)
        return names.count <= limit
      }
    } catch {
      return error == .noSuchFileOrDirectory ? nil : HookDirectory(unreadable: "\(error)")
    }
    if names.count > limit {
      return HookDirectory(unreadable: "there are more than \(limit) names in it")
    }
    var directory = HookDirectory(resolvedEntries: try PathEntry.resolve(path))
    for name in names {
      let file = path + "/" + name
      // A directory is not a hook.
      let isFile: Bool
      do throws(Errno) { isFile = try isRegularFile(file) } catch {
        return HookDirectory(unreadable: "\(file): \(error)")
      }
      if isFile {
        directory.files.append(HookFile(name: name, resolvedEntries: try PathEntry.resolve(file)))
      }
    }
    return directory
  }

  /// Whether a path leads to a regular file.
  ///
  /// A broken link, such as an editor's lock, does not.
  ///
  /// - Throws: `Errno` if that cannot be known: a directory may be listed but not entered.
  private static func isRegularFile(_ path: ByteString) throws(Errno) -> Bool {
    do throws(Errno) {
      return try FileStatus(path).type == .regular
    } catch {
      switch error {
      case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: return false
      default: throw error
      }
    }
  }
}
