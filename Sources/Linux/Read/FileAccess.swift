import Text

/// What a process may do with a file, with the ids for files that it has at the moment.
enum FileAccess {
  /// Why the file may not be used so; nil where it may, and where the kernel does not say: before 5.8 it
  /// did not know faccessat2(2), and seccomp profiles of that time refuse it.
  static func refusal(_ path: ByteString, _ mode: AccessMode) -> Errno? {
    guard let reason = accessRefusal(path, mode) else { return nil }
    switch reason {
    case .permissionDenied, .readOnlyFileSystem, .noSuchFileOrDirectory: return reason
    default: return nil
    }
  }

  /// Why the user may not execute the file, in words; to be asked where that is known.
  static func whyNotExecutable(_ path: ByteString, by uid: UInt32) -> String {
    (try? MountFlags(of: path))?.isNoExec ?? false
      ? "its mount is noexec"
      : "uid \(uid) cannot execute it, or cannot enter a directory above it"
  }
}
