import Capabilities
import Kong
import Nginx
import Plan
import Text

extension KongReading {
  /// Reads of Kong's list of options what matters to a request.
  static func defaults(
    for request: Request, as user: TargetUser, own: Credentials
  ) -> KongReading where Value == KongDefaultsReading {
    KongReading(
      as: user, own: own,
      { files in
        KongDefaultsReading(
          files.read(request.kongDefaults, KongFiles.limit), for: request.environment)
      },
      failed: { .unusable($0) })
  }

  /// Reads the kong.conf that `kong prepare` will read, and what is injected.
  static func files(
    for request: Request, as user: TargetUser, own: Credentials
  ) -> KongReading where Value == KongFiles {
    KongReading(
      as: user, own: own,
      { KongFiles(for: request, isRoot: user.uid == 0, files: $0) },
      failed: { KongFiles(unreadFor: request, reason: $0) },
      believed: { $0.believed(for: request, isRoot: user.uid == 0) })
  }

  /// Reads the nginx configuration in a prefix and follows its includes; nil if there is none and none is
  /// expected.
  ///
  /// - Parameter isCurrent: whether `kong prepare` has just run.
  static func generated(
    in prefix: ByteString, isCurrent: Bool, as user: TargetUser, own: Credentials
  ) -> KongReading? where Value == GeneratedListeners {
    let main = prefix + "/nginx.conf"
    if !isCurrent, (try? FileStatus(main)) == nil { return nil }
    return KongReading(
      as: user, own: own,
      { files in
        let found = NginxListeners(main: main, isRoot: user.uid == 0, files: files)
        return GeneratedListeners(
          listeners: found.listeners, warnings: found.warnings, isCurrent: isCurrent)
      },
      failed: { GeneratedListeners(unread: main, reason: $0, isCurrent: isCurrent) },
      believed: { listeners in
        var listeners = listeners
        listeners.isCurrent = isCurrent
        return listeners
      })
  }

  /// Reads whether the settings of an earlier start name certificates in the prefix.
  static func namesCertificates(
    in prefix: ByteString, as user: TargetUser, own: Credentials
  ) -> KongReading where Value == Bool {
    KongReading(
      as: user, own: own,
      { files in
        guard
          case .bytes(let bytes) = files.read(prefix + "/" + PrefixState.settings, KongFiles.limit)
        else { return false }
        return PrefixState.namesCertificates(bytes, in: prefix)
      },
      failed: { _ in false })
  }
}
