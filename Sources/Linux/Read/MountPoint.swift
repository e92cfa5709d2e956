import Text
import CLinux
import Glibc

/// Whether something is mounted where a descriptor leads (statx(2), STATX_ATTR_MOUNT_ROOT).
///
/// Before Linux 5.8 the kernel does not say so; then a directory on another device counts as one, which
/// leaves out bind mounts of the same file system.
///
/// - Parameters:
///   - status: that of the descriptor.
///   - device: that of the directory that it is in.
func isMountPoint(_ descriptor: CInt, _ status: stat, below device: dev_t) -> Bool {
  let attribute = UInt64(STATX_ATTR_MOUNT_ROOT)
  var answer = statx()
  if statx(descriptor, "", emptyPath, 0, &answer) == 0,
    answer.stx_attributes_mask & attribute != 0
  {
    return answer.stx_attributes & attribute != 0
  }
  return status.st_mode & S_IFMT == S_IFDIR && status.st_dev != device
}

/// Whether something is mounted at a path that is no link; false where the kernel does not say.
func isMountPoint(_ path: ByteString) -> Bool {
  var answer = statx()
  return path.withCString { statx(AT_FDCWD, $0, AT_SYMLINK_NOFOLLOW, 0, &answer) } == 0
    && answer.stx_attributes & answer.stx_attributes_mask & UInt64(STATX_ATTR_MOUNT_ROOT) != 0
}
