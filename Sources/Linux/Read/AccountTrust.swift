import Plan
import Text

extension Accounts {
  /// Reads the accounts of this machine or image; for root only if nobody else could have written them,
  /// by the rule that judges nginx and hooks.
  static func readTrusted() -> Accounts {
    guard ProcessIdentity.effectiveUser == 0 else { return read() }
    for file in ["/etc/passwd", "/etc/group"] as [ByteString] {
      // One that is not there says nothing.
      guard let entries = try? PathEntry.resolve(file), let entry = entries.firstWritableByOthers()
      else {
        continue
      }
      return Accounts(file: file, writableBy: entry)
    }
    return read()
  }
}
