import Capabilities
import Nginx
import Plan
import Text

/// What is read of Kong's files: by this process where only root can have written them, else by one
/// without privileges.
///
/// To be made with the user's rights for files, and asked when this process has its own again.
struct KongReading<Value: Message> {
  private let user: TargetUser
  private let own: Credentials
  private let read: (NginxFiles) -> Value
  private let failed: (String) -> Value
  private let believed: (Value) -> Value
  /// Nil where it is for a process without privileges to read it.
  private let found: Value?

  /// Reads, up to the first file that somebody else can have had a hand in.
  ///
  /// - Parameters:
  ///   - user: whose rights this process has for files now.
  ///   - own: who this process is.
  ///   - read: reads and parses, by these ways to a file; perhaps twice.
  ///   - failed: what is known where that process fails, for a reason given as a phrase.
  ///   - believed: what counts of what that process says.
  init(
    as user: TargetUser, own: Credentials, _ read: @escaping (NginxFiles) -> Value,
    failed: @escaping (String) -> Value, believed: @escaping (Value) -> Value = { $0 }
  ) {
    (self.user, self.own) = (user, own)
    (self.read, self.failed, self.believed) = (read, failed, believed)
    if own.permitted.isEmpty, own.user == ProcessIDs(user.uid) {
      // There is nothing to be gained from this process.
      found = read(.ofAnybody())
      return
    }
    let doubt = Doubt()
    let value = read(.ofRootOnly(unless: doubt))
    found = doubt.isRaised ? nil : value
  }

  /// What was read.
  func value() -> Value {
    if let found { return found }
    switch ConfinedProcess.run(as: user, own: own, { read(.ofAnybody()) }) {
    case .success(let value): return believed(value)
    case .failure(let failure): return failed(failure.reason)
    }
  }
}

/// Whether a file was met that others than root can have written.
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

  /// Only those that nobody but root can have written, or have led the path to, by the rule that judges
  /// nginx and hooks; after the first other one, none.
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
