import Text
import CLinux

/// An open directory: whatever happens to its name, what is done in it is done in this one.
struct Directory: ~Copyable {
  let descriptor: Descriptor

  /// What a directory is opened for.
  enum Access {
    /// To list it (O_RDONLY).
    case list
    /// To use names in it (O_PATH).
    case reference
  }

  /// fstat(2).
  borrowing func status() throws(Errno) -> FileStatus { try descriptor.status() }

  /// What getdents64(2) writes into, in bytes.
  private static let bufferSize = 32 * 1024

  /// Goes through the names, but "." and "..", in the directory's own order (getdents64(2)).
  ///
  /// Nothing is allocated for an entry, and the buffer is one for the whole directory: 100,000 names
  /// need no more memory than one.
  borrowing func forEachEntry(_ body: (borrowing DirectoryEntry) -> Void) throws(Errno) {
    try forEachEntryWhile { entry in
      body(entry)
      return true
    }
  }

  /// Goes through the names as the other does, as long as `body` returns true.
  borrowing func forEachEntryWhile(_ body: (borrowing DirectoryEntry) -> Bool) throws(Errno) {
    let buffer = UnsafeMutableRawPointer.allocate(
      byteCount: Directory.bufferSize, alignment: MemoryLayout<dirent>.alignment)
    defer { unsafe buffer.deallocate() }
    let number = descriptor.number
    while true {
      let count = try retried { unsafe getdents64(number, buffer, Directory.bufferSize) }
      if count == 0 { return }
      var offset = 0
      while offset < count {
        let record = unsafe DirectoryEntry(record: buffer + offset)
        offset += record.length
        if record.isSelfOrParent { continue }
        guard body(record) else { return }
      }
    }
  }
}

/// A name in a directory, as long as the call lasts that it is passed to.
@safe
struct DirectoryEntry: ~Copyable, PathName {
  /// A struct linux_dirent64 (getdents64(2)).
  private let record: UnsafeRawPointer

  /// What the file system knows of it without looking at it.
  enum Kind {
    case directory
    case socket
    case unknown
    case other
  }

  fileprivate init(record: UnsafeMutableRawPointer) {
    unsafe self.record = UnsafeRawPointer(record)
  }

  var kind: Kind {
    switch unsafe Int(record.load(fromByteOffset: 18, as: UInt8.self)) {
    case Int(DT_DIR): .directory
    case Int(DT_SOCK): .socket
    case Int(DT_UNKNOWN): .unknown
    default: .other
    }
  }

  /// A copy of the name.
  var name: ByteString { unsafe ByteString(cString: text) }

  /// Calls `body` with the name itself.
  borrowing func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(text)
  }

  private var text: UnsafePointer<CChar> {
    unsafe (record + 19).assumingMemoryBound(to: CChar.self)
  }

  fileprivate var length: Int {
    unsafe Int(record.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
  }

  fileprivate var isSelfOrParent: Bool {
    let dot = CChar(UInt8(ascii: "."))
    return unsafe text[0] == dot && (text[1] == 0 || text[1] == dot && text[2] == 0)
  }
}

extension Directory {
  /// mkdirat(2).
  borrowing func make(_ name: ByteString, mode: UInt32) throws(Errno) {
    let directory = descriptor.number
    _ = try unsafe name.withCString { name throws(Errno) in
      try retried { unsafe mkdirat(directory, name, mode) }
    }
  }

  /// unlinkat(2).
  borrowing func remove<Name: PathName & ~Copyable>(_ name: borrowing Name) throws(Errno) {
    let directory = descriptor.number
    _ = try unsafe name.withCString { name throws(Errno) in
      try retried { unsafe unlinkat(directory, name, 0) }
    }
  }

  /// symlinkat(2).
  borrowing func link(_ name: ByteString, to target: ByteString) throws(Errno) {
    let directory = descriptor.number
    _ = try unsafe name.withCString { name throws(Errno) in
      try unsafe target.withCString { target throws(Errno) in
        try retried { unsafe symlinkat(target, directory, name) }
      }
    }
  }

  /// renameat(2), within this directory.
  borrowing func rename(_ old: ByteString, to new: ByteString) throws(Errno) {
    let directory = descriptor.number
    _ = try unsafe old.withCString { old throws(Errno) in
      try unsafe new.withCString { new throws(Errno) in
        try retried { unsafe renameat(directory, old, directory, new) }
      }
    }
  }

  /// readlinkat(2): where a link leads, nil where there is none.
  borrowing func target(of name: ByteString) -> ByteString? {
    readLink(name, in: descriptor.number)
  }
}

/// readlink(2): where a link leads, nil where there is none.
func readLink(_ path: ByteString) -> ByteString? { readLink(path, in: AT_FDCWD) }

private func readLink(_ path: ByteString, in directory: Int32) -> ByteString? {
  do throws(Errno) {
    let target = try unsafe path.withCString { path throws(Errno) in
      try unsafe uninitialized(Int(PATH_MAX)) { buffer, count throws(Errno) in
        let text = unsafe buffer.assumingMemoryBound(to: CChar.self)
        return try retried { unsafe readlinkat(directory, path, text, count) }
      }
    }
    return ByteString(target)
  } catch {
    return nil
  }
}
