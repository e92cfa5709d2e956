import Nginx
import Text

/// A regular file of limited size.
///
/// Anything else is not opened at all: see ``PinnedFile``.
enum BoundedFile {
  /// Why anything but a regular file is not read.
  static let notRegular = "it is not a regular file"

  /// Reads a file to its end; links are followed.
  ///
  /// - Parameters:
  ///   - limit: how many bytes it may have at the most.
  ///   - isWanted: asked once there is such a file; where it says no, the file counts as absent.
  static func read(
    _ path: ByteString, limit: Int, where isWanted: () -> Bool = { true }
  ) -> FileContent {
    do throws(Errno) {
      let pinned = try PinnedFile(path)
      guard pinned.isRegular else { return .unreadable(notRegular) }
      guard isWanted() else { return .absent }
      let size = pinned.status.size
      // What is added to the file meanwhile is left out; and of a file in /proc, which says that it has
      // no size, all is: so does nginx (ngx_conf_read_token).
      return size <= limit ? .bytes(try pinned.open().contents(limit: size)) : .tooLarge
    } catch {
      return error == .noSuchFileOrDirectory ? .absent : .unreadable(error.description)
    }
  }
}
