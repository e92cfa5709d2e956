import Kong
import Plan
import Text

extension SecretReference {
  /// The path without links, if nobody but root can have led it where it leads.
  ///
  /// - Throws: ``StartFailure`` that names the entry that somebody else could have had a hand in.
  func trustedPath() throws(StartFailure) -> ByteString {
    guard path.bytes.first == UInt8(ascii: "/") else {
      throw failure(
        why: "\(reasonForTrust), and the path is not absolute", wayOut: "write the full path")
    }
    let entries: [PathEntry]
    do { entries = try PathEntry.resolve(path) } catch {
      throw failure(
        why: "its path cannot be followed (\(error.call): \(error.errno))",
        wayOut: "correct the path, or the links in it")
    }
    // Who cannot lead root to another file may still write what is in this one.
    if let entry = entries.firstWritableByOthers(exceptFile: !steersRoot) {
      throw failure(
        why: "\(reasonForTrust), and others than root can write \(entry.path), by which they may"
          + " have put it there",
        wayOut: steersRoot
          ? "keep the file where only root can write, such as /run/secrets"
          : "let the user that Kong runs as read the file, or keep it where only root can write,"
            + " such as /run/secrets")
    }
    return entries.last?.path ?? path
  }

  /// Why nobody but root may have had a hand in it.
  private var reasonForTrust: String {
    steersRoot ? "a start as root goes by it" : "only root may read it"
  }
}
