import Capabilities
import Nginx
import Plan
import Text

/// A reading of Kong's files: by this process if only root can have written them, otherwise by a process
/// without privileges.
///
/// Create it with the user's rights for files, and ask for ``value()`` after this process has its own
/// rights again.
struct KongReading<Value: Message> {
  private let user: TargetUser
  private let own: Credentials
  private let read: (NginxFiles) -> Value
  private let failed: (String) -> Value
  private let believed: (Value) -> Value
  /// Nil if a process without privileges has to read it.
  private let found: Value?

  /// Reads, up to the first file that another user can have written.
  ///
  /// - Parameters:
  ///   - user: whose rights this process has for files now.
  ///   - own: who this process is.
  ///   - read: reads and parses, with the file access it is given; called once or twice.
  ///   - failed: the value if that process fails, for a reason given as a phrase.
  ///   - believed: the part of that process's answer that counts.
  init(
    as user: TargetUser, own: Credentials, _ read: @escaping (NginxFiles) -> Value,
    failed: @escaping (String) -> Value, believed: @escaping (Value) -> Value = { $0 }
  ) {
    (self.user, self.own) = (user, own)
    (self.read, self.failed, self.believed) = (read, failed, believed)
    if own.permitted.isEmpty, own.user == ProcessIDs(user.uid) {
      // This process has no privileges that a parser could abuse.
      found = read(.ofAnybody())
      return
    }
    let doubt = Doubt()
    let value = read(.ofRootOnly(unless: doubt))
    found = doubt.isRaised ? nil : value
  }

  /// What was read, if need be by a process without privileges.
  func value() -> Value {
    if let found { return found }
    switch ConfinedProcess.run(as: user, own: own, { read(.ofAnybody()) }) {
    case .success(let value): return believed(value)
    case .failure(let failure): return failed(failure.reason)
    }
  }
}

/// Whether a file was met that users other than root can have written.
private final class Doubt {
  var isRaised = false
}

extension NginxFiles {
  /// All files that this process may read.
  static func ofAnybody() -> NginxFiles {
    var pattern = PathPattern()
    return NginxFiles(
      matching: { pattern.expand($0) }, read: { BoundedFile.read($0, limit: $1) })
  }

  /// Only files that no user but root can have written or redirected, by the rule that also judges nginx and
  /// hooks.
  ///
  /// After the first other file, no file is read.
  fileprivate static func ofRootOnly(unless doubt: Doubt) -> NginxFiles {
    NginxFiles(
      matching: { _ in
        doubt.isRaised = true
        return nil
      },
      read: { path, limit in
        if doubt.isRaised { return .absent }
        return BoundedFile.read(path, limit: limit) {
          doubt.isRaised = !PathEntry.isRootOnly(path)
          return !doubt.isRaised
        }
      })
  }
}
