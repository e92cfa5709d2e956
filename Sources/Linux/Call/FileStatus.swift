import CLinux

/// What a file is (inode(7), "The file type and mode").
enum FileType: Equatable, Sendable {
  case regular
  case directory
  case symbolicLink
  case fifo
  case socket
  case characterDevice
  case blockDevice
  case unknown

  /// The type that a mode says.
  fileprivate init(_ mode: mode_t) {
    // S_IFMT and its values, which glibc defines by other names.
    switch mode & 0o170000 {
    case 0o100000: self = .regular
    case 0o040000: self = .directory
    case 0o120000: self = .symbolicLink
    case 0o010000: self = .fifo
    case 0o140000: self = .socket
    case 0o020000: self = .characterDevice
    case 0o060000: self = .blockDevice
    default: self = .unknown
    }
  }

  /// Whether it is a device.
  var isDevice: Bool { self == .characterDevice || self == .blockDevice }
}

/// What the kernel says of a file (stat(2)).
struct FileStatus: Sendable {
  let type: FileType
  /// The twelve permission bits, with set-user-ID, set-group-ID and sticky.
  let permissions: UInt32
  let uid: UInt32
  let gid: UInt32
  /// The device that it is on, and its number there: which file it is.
  let device: UInt64
  let inode: UInt64
  /// How many names it has.
  let links: UInt64
  /// In bytes.
  let size: Int
  /// When its contents were changed.
  let modification: FileTime
  /// When its contents or its inode were changed.
  let change: FileTime

  fileprivate init(_ status: stat) {
    type = FileType(status.st_mode)
    permissions = UInt32(status.st_mode & 0o7777)
    (uid, gid) = (status.st_uid, status.st_gid)
    (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    links = UInt64(status.st_nlink)
    size = Int(status.st_size)
    modification = FileTime(status.st_mtim)
    change = FileTime(status.st_ctim)
  }

  /// Whether both are of one file.
  func isSameFile(as other: FileStatus) -> Bool {
    inode == other.inode && device == other.device
  }

  /// stat(2), of what a path leads to.
  init<Name: PathName & ~Copyable>(_ path: borrowing Name) throws(Errno) {
    self = try unsafe FileStatus(path) { unsafe stat($0, $1) }
  }

  /// lstat(2), of a link itself.
  init<Name: PathName & ~Copyable>(ofLink path: borrowing Name) throws(Errno) {
    self = try unsafe FileStatus(path) { unsafe lstat($0, $1) }
  }

  private init<Name: PathName & ~Copyable>(
    _ path: borrowing Name, _ call: (UnsafePointer<CChar>, UnsafeMutablePointer<stat>) -> Int32
  ) throws(Errno) {
    var status = stat()
    _ = try unsafe path.withCString { name throws(Errno) in
      try retried { unsafe call(name, &status) }
    }
    self.init(status)
  }
}

extension Descriptor {
  /// fstat(2).
  borrowing func status() throws(Errno) -> FileStatus {
    try FileStatus(ofDescriptor: number)
  }
}

extension FileStatus {
  /// fstat(2), of a descriptor that may be closed, as the standard streams may be.
  init(ofDescriptor number: Int32) throws(Errno) {
    var status = stat()
    try retried { unsafe fstat(number, &status) }
    self.init(status)
  }
}

extension Directory {
  /// fstatat(2), of what a name in the directory stands for, a link included.
  borrowing func status<Name: PathName & ~Copyable>(
    of name: borrowing Name
  ) throws(Errno) -> FileStatus {
    var status = stat()
    let directory = descriptor.number
    _ = try unsafe name.withCString { name throws(Errno) in
      try retried { unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) }
    }
    return FileStatus(status)
  }

  /// Whether a name still stands for a file that was looked at, and that has not been written since.
  borrowing func stillNames<Name: PathName & ~Copyable>(
    _ name: borrowing Name, _ file: FileStatus
  ) -> Bool {
    do throws(Errno) {
      let found = try status(of: name)
      return found.isSameFile(as: file) && found.modification == file.modification
    } catch {
      return false
    }
  }
}
