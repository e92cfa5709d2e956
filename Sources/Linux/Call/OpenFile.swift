import Plan
import Text
import CLinux
import Glibc
import SystemPackage

// Every open(2) of this program is in this file; scripts/lint refuses one elsewhere.

/// A file that was looked at and not opened: a reference (open(2), O_PATH).
///
/// To open a fifo wakes its writer, to open a device can do anything, and to open a terminal can make
/// it ours. So what somebody else can have put at a path is first referred to, which does nothing to
/// it, then judged, and only then opened: the very file that was judged, whatever is at the path by
/// then.
struct PinnedFile: ~Copyable {
  /// The reference; it is open as long as this value lives.
  let descriptor: CInt
  /// What fstat(2) says of it.
  let status: Stat
  private let directory: CInt
  private let path: ByteString
  private let linkFlag: CInt

  /// Refers to what is at a path.
  ///
  /// - Parameter followsLink: whether the last component may be a link; else a link is what is found.
  init(_ path: ByteString, followsLink: Bool = true) throws(Errno) {
    try self.init(path, in: AT_FDCWD, linkFlag: followsLink ? 0 : O_NOFOLLOW)
  }

  /// Refers to what a name in an open directory stands for, a link included.
  init(_ name: ByteString, in directory: CInt) throws(Errno) {
    try self.init(name, in: directory, linkFlag: O_NOFOLLOW)
  }

  private init(_ path: ByteString, in directory: CInt, linkFlag: CInt) throws(Errno) {
    let descriptor = try path.withCString { name throws(Errno) in
      try openDescriptor(name, in: directory, openPath | linkFlag)
    }
    do throws(Errno) { status = try Stat(FileDescriptor(rawValue: descriptor)) } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    (self.directory, self.path, self.linkFlag) = (directory, path, linkFlag)
  }

  deinit {
    close(descriptor)
  }

  /// Whether it is a regular file, the only thing that ``open()`` opens.
  var isRegular: Bool { status.type == .regular }

  /// Opens the file for reading, through the reference.
  ///
  /// Without /proc there is nothing to open it through but its path. Then root opens only what nobody
  /// else can have led it to, as what takes the file's place would be opened with root's rights.
  ///
  /// - Throws: `Errno`: EINVAL for anything but a regular file, ESTALE where without /proc another file
  ///   has taken its place, EACCES where without /proc others could have.
  func open() throws(Errno) -> OpenFile {
    guard isRegular else { throw .invalidArgument }
    do throws(Errno) {
      return OpenFile(try openForReading(ByteString("/proc/self/fd/\(descriptor)")))
    } catch {
      guard error == .noSuchFileOrDirectory || error == .notDirectory else { throw error }
    }
    // An id that cannot be changes nothing, and tells the one that is (setfsuid(2)).
    if setfsuid(.max) == 0 {
      guard directory == AT_FDCWD, let way = try? PathEntry.way(along: path),
        way.firstWritableByOthers() == nil
      else { throw .permissionDenied }
    }
    let file = OpenFile(try openForReading(path, in: directory, linkFlag))
    let found = try file.withDescriptor { file throws(Errno) in try Stat(file) }
    guard found.deviceID == status.deviceID, found.inode == status.inode else {
      throw .staleNFSFileHandle
    }
    return file
  }
}

/// An open file, which is closed with this value.
struct OpenFile: ~Copyable {
  private let file: FileDescriptor

  fileprivate init(_ descriptor: CInt) {
    file = FileDescriptor(rawValue: descriptor)
  }

  /// Opens a file of the kernel's: in /proc or /sys, where nobody can put another.
  init(ofKernel path: ByteString) throws(Errno) {
    self.init(try openForReading(path))
  }

  deinit {
    close(file.rawValue)
  }

  /// Reads to the end of the file, or as many bytes as `limit` says.
  borrowing func contents(limit: Int? = nil) throws(Errno) -> [UInt8] {
    try file.contents(limit: limit)
  }

  /// Calls `body` with the descriptor, which is open as long as the call lasts.
  @discardableResult
  borrowing func withDescriptor<Result, Failure: Error>(
    _ body: (FileDescriptor) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(file)
  }

  /// The descriptor, which lives on, and is to be closed by the caller.
  consuming func take() -> FileDescriptor {
    let file = file
    discard self
    return file
  }
}

/// Opens a directory, and nothing else, never through a link, for ``Directory``.
///
/// O_DIRECTORY is judged before anything is opened.
func openDirectory(
  _ name: UnsafePointer<CChar>, in parent: CInt, access: CInt
) throws(Errno) -> CInt {
  try openDescriptor(name, in: parent, access | O_DIRECTORY | O_NOFOLLOW)
}

/// Refers to what a name in a directory stands for, a link included, and opens nothing.
func openReference(_ name: UnsafePointer<CChar>, in directory: CInt) throws(Errno) -> CInt {
  try openDescriptor(name, in: directory, openPath | O_NOFOLLOW)
}

/// openat(2): a reference to a file that opens nothing; glibc's O_PATH, for _GNU_SOURCE only.
let openPath = __O_PATH

// O_NONBLOCK: not even the kernel's own files are waited for. O_NOCTTY: no terminal becomes ours.
private func openForReading(
  _ path: ByteString, in directory: CInt = AT_FDCWD, _ flags: CInt = 0
) throws(Errno) -> CInt {
  try path.withCString { name throws(Errno) in
    try openDescriptor(name, in: directory, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags)
  }
}

private func openDescriptor(
  _ name: UnsafePointer<CChar>, in directory: CInt = AT_FDCWD, _ flags: CInt
) throws(Errno) -> CInt {
  while true {
    let descriptor = openat(directory, name, flags | O_CLOEXEC)
    if descriptor >= 0 { return descriptor }
    let reason = Errno(rawValue: errno)
    if reason != .interrupted { throw reason }
  }
}
