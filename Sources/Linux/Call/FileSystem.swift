import Text
import CLinux

/// How the file system is mounted that a file is on (statvfs(3)).
struct MountFlags {
  private let flags: UInt

  fileprivate init(_ flags: UInt) { self.flags = flags }

  /// Of what a path leads to.
  init(of path: ByteString) throws(Errno) { self = try FileSystemSpace(of: path).flags }

  /// Of an open file (fstatvfs(3)).
  init(of file: borrowing Descriptor) throws(Errno) {
    var mount = statvfs()
    let number = file.number
    try retried { unsafe fstatvfs(number, &mount) }
    flags = mount.f_flag
  }

  var isReadOnly: Bool { flags & UInt(ST_RDONLY) != 0 }
  var isNoSetID: Bool { flags & UInt(ST_NOSUID) != 0 }
  var isNoExec: Bool { flags & linux_st_noexec != 0 }
}

/// How much room the file system of a file has (statvfs(3)).
struct FileSystemSpace {
  /// How it is mounted.
  let flags: MountFlags
  /// All bytes; 0 where there is no limit.
  let bytes: UInt
  /// Those that root may still take, and those that others may.
  let freeBytes, availableBytes: UInt
  /// All inodes; 0 where there is no limit.
  let files: UInt
  /// Those that root may still take, and those that others may.
  let freeFiles, availableFiles: UInt

  /// Of what a path leads to.
  init(of path: ByteString) throws(Errno) {
    var mount = statvfs()
    _ = try unsafe path.withCString { path throws(Errno) in
      try retried { unsafe statvfs(path, &mount) }
    }
    flags = MountFlags(mount.f_flag)
    // Remote file systems name numbers of blocks up to 2^64.
    let (blocks, unit) = (mount.f_blocks, mount.f_frsize)
    let inBytes = { (blocks: UInt) in
      let (bytes, isTooMuch) = blocks.multipliedReportingOverflow(by: unit)
      return isTooMuch ? UInt.max : bytes
    }
    (bytes, freeBytes) = (inBytes(blocks), inBytes(mount.f_bfree))
    availableBytes = inBytes(mount.f_bavail)
    (files, freeFiles, availableFiles) = (mount.f_files, mount.f_ffree, mount.f_favail)
  }
}

extension Descriptor {
  /// Whether something is mounted where it leads (statx(2), STATX_ATTR_MOUNT_ROOT).
  ///
  /// Before Linux 5.8 the kernel does not say so; then a directory on another device counts as one,
  /// which leaves out bind mounts of the same file system.
  ///
  /// - Parameters:
  ///   - status: its own.
  ///   - device: that of the directory that it is in.
  borrowing func isMountPoint(_ status: FileStatus, below device: UInt64) -> Bool {
    var answer = statx()
    if unsafe statx(number, "", linux_at_empty_path, 0, &answer) == 0,
      let isRoot = answer.isMountRoot
    {
      return isRoot
    }
    return status.type == .directory && status.device != device
  }
}

/// Whether something is mounted at a path that is no link; false where the kernel does not say
/// (statx(2), STATX_ATTR_MOUNT_ROOT).
func isMountPoint(_ path: ByteString) -> Bool {
  var answer = statx()
  return unsafe path.withCString { unsafe statx(AT_FDCWD, $0, AT_SYMLINK_NOFOLLOW, 0, &answer) }
    == 0
    && answer.isMountRoot ?? false
}

extension statx {
  /// Nil where the kernel does not say.
  fileprivate var isMountRoot: Bool? {
    let attribute = UInt64(STATX_ATTR_MOUNT_ROOT)
    return stx_attributes_mask & attribute == 0 ? nil : stx_attributes & attribute != 0
  }
}

/// What can be done with a file (access(2)).
struct AccessMode: OptionSet {
  let rawValue: Int32

  /// F_OK: it is there.
  static let exists: AccessMode = []
  /// R_OK.
  static let read = AccessMode(rawValue: R_OK)
  /// W_OK.
  static let write = AccessMode(rawValue: W_OK)
  /// X_OK.
  static let execute = AccessMode(rawValue: X_OK)
}

/// Why what a path leads to may not be used so, by the ids for files; nil where it may (faccessat2(2)).
///
/// Before Linux 5.8 the kernel does not know the call, and answers for the real user only: ENOSYS where that
/// is another one.
func accessRefusal(_ path: ByteString, _ mode: AccessMode) -> Errno? {
  do throws(Errno) {
    _ = try unsafe path.withCString { path throws(Errno) in
      try retried { unsafe linux_faccessat2(AT_FDCWD, path, mode.rawValue, AT_EACCESS) }
    }
    return nil
  } catch {
    guard error == .noFunction, FileSystemUser.isRealUser else { return error }
    return realUserRefusal(path, mode)
  }
}

/// Why the real user may not use what a path leads to so; nil where it may (access(2)).
private func realUserRefusal(_ path: ByteString, _ mode: AccessMode) -> Errno? {
  do throws(Errno) {
    _ = try unsafe path.withCString { path throws(Errno) in
      try retried { unsafe access(path, mode.rawValue) }
    }
    return nil
  } catch {
    return error
  }
}

/// Whether the real user may use what a path leads to so (access(2)).
func isAllowed(_ path: ByteString, _ mode: AccessMode) -> Bool {
  realUserRefusal(path, mode) == nil
}

/// mkdir(2).
func makeDirectory(_ path: ByteString, mode: UInt32) throws(Errno) {
  _ = try unsafe path.withCString { path throws(Errno) in try retried { unsafe mkdir(path, mode) } }
}

/// The working directory (getcwd(3)).
func workingDirectory() throws(Errno) -> ByteString {
  guard let path = unsafe getcwd(nil, 0) else { throw .last }
  defer { unsafe free(path) }
  return unsafe ByteString(cString: path)
}

/// The path without links; nil where it leads nowhere (realpath(3)).
func realPath(_ path: ByteString) -> ByteString? {
  unsafe path.withCString { path in
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe ByteString(cString: real)
  }
}

/// The longest name of a file, and the longest path, in bytes.
enum PathLimit {
  static let name = Int(NAME_MAX)
  static let path = Int(PATH_MAX)
}
