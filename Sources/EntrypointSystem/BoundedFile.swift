import EntrypointPlan
import Glibc
import SystemPackage

/// A regular file of limited size.
///
/// Anything else is not opened for long: a fifo or a device that somebody put there must not hold up
/// the start.
enum BoundedFile {
  /// Reads a file to its end; links are followed.
  ///
  /// - Parameter limit: how many bytes it may have at the most.
  static func read(_ path: ByteString, limit: Int) -> FileContent {
    do {
      let descriptor = try FileDescriptor.open(
        path.path, .readOnly, options: [.closeOnExec, .nonBlocking])
      defer { try? descriptor.close() }
      let status = try Stat(descriptor)
      guard status.type == .regular else { return .unreadable("it is not a regular file") }
      let size = Int(status.size)
      return size <= limit ? .bytes(try read(descriptor, size: size)) : .tooLarge
    } catch {
      let reason = error as? Errno ?? .ioError
      return reason == .noSuchFileOrDirectory ? .absent : .unreadable(reason.description)
    }
  }

  /// What is added to the file meanwhile is left out; and of a file in /proc, which says that it has no
  /// size, all is: so does nginx (ngx_conf_read_token).
  private static func read(_ descriptor: FileDescriptor, size: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: size) { buffer, length in
      while length < size {
        let rest = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[length...])
        let count = try descriptor.read(into: rest)
        if count == 0 { break }
        length += count
      }
    }
  }
}
