import Plan
import Text
import CLinux

// Every open(2) of this program is in this file; scripts/lint refuses one elsewhere.

/// A reference to a file that is not opened (open(2), O_PATH).
///
/// Opening a fifo wakes its writer, opening a device can do anything, and opening a terminal can make it
/// ours. So a file that another user can have put at a path is first pinned, which has no effect on it,
/// then judged, and only then opened: the file that was judged, whatever the path leads to by then.
struct PinnedFile: ~Copyable {
  private let reference: Descriptor
  /// What fstat(2) says of it.
  let status: FileStatus
  private let path: ByteString
  private let followsLink: Bool
  /// Whether it was found by its name in an open directory.
  private let isInDirectory: Bool

  /// Refers to what is at a path.
  ///
  /// - Parameter followsLink: whether to follow a link in the last component, or to pin the link itself.
  init(_ path: ByteString, followsLink: Bool = true) throws(Errno) {
    let reference = try openDescriptor(path, openPath | (followsLink ? 0 : O_NOFOLLOW))
    status = try reference.status()
    self.reference = reference
    (self.path, self.followsLink, isInDirectory) = (path, followsLink, false)
  }

  /// Refers to a name in an open directory, without following a link.
  ///
  /// - Parameter path: that of the directory.
  init(_ name: ByteString, in directory: borrowing Directory, at path: ByteString) throws(Errno) {
    let reference = try directory.reference(to: name)
    status = try reference.status()
    self.reference = reference
    (self.path, followsLink, isInDirectory) = (path + "/" + name, false, true)
  }

  /// Whether it is a regular file, the only thing that ``open()`` opens.
  var isRegular: Bool { status.type == .regular }

  /// Opens the file for reading, through the reference.
  ///
  /// Without /proc the file can only be opened by its path. Then root opens it only if no other user can
  /// have redirected the path, because a replacement would be opened with root's rights.
  ///
  /// - Throws: `Errno`: EINVAL if it is not a regular file; without /proc, ESTALE if another file has
  ///   replaced it, and EACCES if another user could have.
  borrowing func open() throws(Errno) -> OpenFile {
    guard isRegular else { throw .invalidArgument }
    do throws(Errno) {
      return try OpenFile(opening: reference.path)
    } catch {
      guard error == .noSuchFileOrDirectory || error == .notDirectory else { throw error }
    }
    if FileSystemUser.isRoot, isInDirectory || !PathEntry.isRootOnly(path) {
      throw .permissionDenied
    }
    let file = try OpenFile(opening: path, followsLink ? 0 : O_NOFOLLOW)
    guard try file.status().isSameFile(as: status) else { throw .staleNFSFileHandle }
    return file
  }
}

/// A file that is open for reading.
struct OpenFile: ~Copyable {
  private let descriptor: Descriptor

  // O_NONBLOCK: never wait, not even for the kernel's own files. O_NOCTTY: no terminal becomes ours.
  fileprivate init(opening path: ByteString, _ flags: Int32 = 0) throws(Errno) {
    descriptor = try openDescriptor(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags)
  }

  /// Opens a file of the kernel's: in /proc or /sys, where nobody can put another.
  init(ofKernel path: ByteString) throws(Errno) {
    try self.init(opening: path)
  }

  /// fstat(2).
  borrowing func status() throws(Errno) -> FileStatus { try descriptor.status() }

  /// Reads to the end of the file, or as many bytes as `limit` says.
  ///
  /// - Parameter piece: how many bytes to read at first.
  borrowing func contents(limit: Int = .max, piece: Int = 4096) throws(Errno) -> [UInt8] {
    try descriptor.contents(limit: limit, piece: piece)
  }

  /// Calls `body` with the descriptor.
  borrowing func withDescriptor<Result, Failure: Error>(
    _ body: (borrowing Descriptor) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(descriptor)
  }
}

extension Directory {
  /// Opens a directory, and nothing else, never through a link.
  ///
  /// O_DIRECTORY is judged before anything is opened.
  ///
  /// - Parameter path: an absolute path, of which only the last component must not be a link.
  static func open(_ path: ByteString, for access: Access = .list) throws(Errno) -> Directory {
    Directory(descriptor: try openDescriptor(path, flags(access)))
  }

  /// Opens a directory by its name in this one, as the other `open` does.
  borrowing func open<Name: PathName & ~Copyable>(
    _ name: borrowing Name, for access: Access = .list
  ) throws(Errno) -> Directory {
    Directory(
      descriptor: try openDescriptor(name, in: descriptor.number, Directory.flags(access)))
  }

  private static func flags(_ access: Access) -> Int32 {
    (access == .list ? O_RDONLY : openPath) | O_DIRECTORY | O_NOFOLLOW
  }

  /// Refers to what a name in this directory stands for, a link included, and opens nothing.
  borrowing func reference<Name: PathName & ~Copyable>(
    to name: borrowing Name
  ) throws(Errno) -> Descriptor {
    try openDescriptor(name, in: descriptor.number, openPath | O_NOFOLLOW)
  }
}

/// openat(2): a reference to a file that opens nothing (O_PATH).
private let openPath = linux_o_path

private func openDescriptor<Name: PathName & ~Copyable>(
  _ name: borrowing Name, in directory: Int32 = AT_FDCWD, _ flags: Int32
) throws(Errno) -> Descriptor {
  try unsafe Descriptor(
    owning: name.withCString { name throws(Errno) in
      try retried { unsafe linux_openat(directory, name, flags | O_CLOEXEC) }
    })
}

/// Reads a file of the kernel's to its end; nil where it is not there.
///
/// Any other failure ends a start: to take it for "not there" could grant more than was planned.
func contentsIfPresent(ofKernel path: ByteString) throws(SystemCallFailure) -> [UInt8]? {
  do throws(Errno) {
    return try OpenFile(ofKernel: path).contents()
  } catch {
    if error == .noSuchFileOrDirectory { return nil }
    throw SystemCallFailure("read(\(path))", error)
  }
}
