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
      // What is added to the file meanwhile is left out; and of a file in /proc, which says that it has
      // no size, all is: so does nginx (ngx_conf_read_token).
      return size <= limit ? .bytes(try descriptor.contents(limit: size)) : .tooLarge
    } catch {
      let reason = error as? Errno ?? .ioError
      return reason == .noSuchFileOrDirectory ? .absent : .unreadable(reason.description)
    }
  }
}
