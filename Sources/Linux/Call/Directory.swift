import Text
import CLinux
import Glibc
import SystemPackage

/// An open directory: whatever happens to its name, what is done in it is done in this one.
struct Directory: ~Copyable {
  /// The descriptor; it is open as long as this value lives.
  let descriptor: CInt

  private init(owning descriptor: CInt) {
    self.descriptor = descriptor
  }

  /// Opens a directory by its name in another, as nothing but a directory and never through a link.
  ///
  /// - Parameters:
  ///   - name: a name; or an absolute path, of which only the last component must not be a link.
  ///   - access: O_RDONLY to read it, ``openPath`` to use names in it.
  static func open(
    _ name: UnsafePointer<CChar>, in parent: CInt = AT_FDCWD, access: CInt = O_RDONLY
  ) throws(Errno) -> Directory {
    Directory(owning: try openDirectory(name, in: parent, access: access))
  }

  /// Opens a directory as the other `open` does.
  static func open(
    _ name: ByteString, in parent: CInt = AT_FDCWD, access: CInt = O_RDONLY
  ) throws(Errno) -> Directory {
    try Directory.open(
      name.bytes.map(CChar.init(truncatingIfNeeded:)) + [0], in: parent, access: access)
  }

  deinit {
    close(descriptor)
  }

  /// fstat(2).
  func status() throws(Errno) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
    return status
  }

  /// What getdents64(2) writes into, in bytes.
  private static let bufferSize = 32 * 1024

  /// Goes through the names, but "." and "..", in the directory's own order.
  ///
  /// Nothing is allocated for an entry, and the buffer is one for the whole directory: 100,000 names
  /// need no more memory than one.
  ///
  /// - Parameter body: gets a name, which lives as long as the call, and a type, one of readdir(3)'s
  ///   DT_ constants.
  func forEachEntry(_ body: (UnsafePointer<CChar>, Int) -> Void) throws(Errno) {
    try forEachEntryWhile { name, type in
      body(name, type)
      return true
    }
  }

  /// Goes through the names as the other does, as long as `body` returns true.
  func forEachEntryWhile(_ body: (UnsafePointer<CChar>, Int) -> Bool) throws(Errno) {
    let buffer = UnsafeMutableRawPointer.allocate(
      byteCount: Directory.bufferSize, alignment: MemoryLayout<dirent>.alignment)
    defer { buffer.deallocate() }
    while true {
      let count = getdents64(descriptor, buffer, Directory.bufferSize)
      guard count >= 0 else { throw Errno(rawValue: errno) }
      if count == 0 { return }
      var offset = 0
      while offset < count {
        let entry = UnsafeRawPointer(buffer + offset)
        let name = (entry + Record.name).assumingMemoryBound(to: CChar.self)
        offset += Int(entry.loadUnaligned(fromByteOffset: Record.length, as: UInt16.self))
        if isSelfOrParent(name) { continue }
        let type = Int(entry.load(fromByteOffset: Record.type, as: UInt8.self))
        guard body(name, type) else { return }
      }
    }
  }

  /// Where the fields of struct linux_dirent64 are (getdents64(2)).
  private enum Record {
    static let length = 16
    static let type = 18
    static let name = 19
  }

  private func isSelfOrParent(_ name: UnsafePointer<CChar>) -> Bool {
    let dot = CChar(UInt8(ascii: "."))
    return name[0] == dot && (name[1] == 0 || name[1] == dot && name[2] == 0)
  }
}

/// fchownat(2): the descriptor itself; glibc's AT_EMPTY_PATH, for _GNU_SOURCE only.
let emptyPath: CInt = 0x1000

/// Where a link leads, nil where there is none (readlinkat(2)).
func readLink(_ path: ByteString, in directory: CInt = AT_FDCWD) -> ByteString? {
  var target = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = path.withCString { readlinkat(directory, $0, &target, target.count) }
  return count < 0 ? nil : ByteString(target.prefix(count).map(UInt8.init(truncatingIfNeeded:)))
}
