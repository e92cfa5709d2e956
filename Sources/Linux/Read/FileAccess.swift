import Text
import Glibc
import SystemPackage

/// What a process may do with a file, with the ids for files that it has at the moment (faccessat2(2)).
enum FileAccess {
  /// ST_NOEXEC (statvfs(3)), in glibc for _GNU_SOURCE only, which Swift's Glibc module is made without.
  private static let noExec: UInt = 8

  /// Why the file may not be used in a way (R_OK, W_OK, X_OK); nil where it may, and where the kernel
  /// does not say: before 5.8 it did not know the call, and seccomp profiles of that time refuse it.
  static func refusal(_ path: ByteString, _ mode: CInt) -> Errno? {
    guard path.withCString({ faccessat(AT_FDCWD, $0, mode, AT_EACCESS) }) != 0 else { return nil }
    let reason = Errno(rawValue: errno)
    let answers: [Errno] = [.permissionDenied, .readOnlyFileSystem, .noSuchFileOrDirectory]
    return answers.contains(reason) ? reason : nil
  }

  /// Why the user may not execute the file, in words; to be asked where that is known.
  static func whyNotExecutable(_ path: ByteString, by uid: uid_t) -> String {
    var mount = statvfs()
    let isKnown = path.withCString { statvfs($0, &mount) } == 0
    return isKnown && mount.f_flag & noExec != 0
      ? "its mount is noexec"
      : "uid \(uid) may not execute it, or may not enter a directory above it"
  }
}
