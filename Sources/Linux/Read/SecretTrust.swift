import Kong
import Plan
import Text

extension SecretReference {
  /// The path without links, if only root can have led it to its target.
  ///
  /// - Throws: ``StartFailure`` that names the entry that another user can write.
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
    // Unless the secret steers root, another user may write the file itself.
    if let entry = entries.firstWritableByOthers(exceptFile: !steersRoot) {
      throw failure(
        why: "\(reasonForTrust), and users other than root can write \(entry.path), so they may"
          + " have put it there",
        wayOut: steersRoot
          ? "keep the file where only root can write, such as /run/secrets"
          : "let the user that Kong runs as read the file, or keep it where only root can write,"
            + " such as /run/secrets")
    }
    return entries.last?.path ?? path
  }

  /// Why only root may be able to write it.
  private var reasonForTrust: String {
    steersRoot ? "a start as root obeys it" : "only root may read it"
  }
}
