import Nginx
import Text

/// A regular file of limited size.
///
/// Other kinds of file are never opened: see ``PinnedFile``.
enum BoundedFile {
  /// The reason given for refusing any other kind of file.
  static let notRegular = "it is not a regular file"

  /// Reads a file to its end; links are followed.
  ///
  /// - Parameters:
  ///   - limit: the largest size that is read, in bytes.
  ///   - isWanted: asked when the file exists; if it returns false, the file counts as absent.
  static func read(
    _ path: ByteString, limit: Int, where isWanted: () -> Bool = { true }
  ) -> FileContent {
    do throws(Errno) {
      let pinned = try PinnedFile(path)
      guard pinned.isRegular else { return .unreadable(notRegular) }
      guard isWanted() else { return .absent }
      let size = pinned.status.size
      // Reads only as many bytes as the status says, as nginx does (ngx_conf_read_token): nothing that is
      // appended meanwhile, and nothing of a file in /proc, whose size is 0.
      guard size <= limit else { return .tooLarge }
      return .bytes(try pinned.open().contents(limit: size, piece: size))
    } catch {
      return error == .noSuchFileOrDirectory ? .absent : .unreadable(error.description)
    }
  }
}
