import Kong
package import Nginx
package import Plan
import Text

/// The check `unreadable`.
package enum UnreadableCheck {
  /// A file that a setting names, and what becomes of Kong without it.
  package struct File: Equatable, Sendable {
    /// The file, to be read.
    package var use: NginxFileUse
    /// Whether nginx does not start without it; otherwise only a plugin or a vault fails.
    package var isOfStart: Bool
  }

  /// The files that the settings of a start name.
  package static func files(of start: CheckedStart) -> [File] {
    var files: [File] = []
    for setting in start.variables where Environment.namesFile(setting.name) {
      for word in setting.value.bytes.split(separator: UInt8(ascii: ",")) {
        let path = ByteString(Array(luaTrimmed(word)))
        // Anything else is a word such as "system", or the contents of the file.
        guard path.bytes.first == UInt8(ascii: "/") else { continue }
        files.append(
          File(
            use: NginxFileUse(path: path, purpose: .read, directive: setting.name, source: ""),
            isOfStart: setting.name.hasPrefix("KONG_") && !setting.name.hasPrefix("KONG_VAULT_")))
      }
    }
    if let template = start.request.templatePath {
      files.append(
        File(
          use: NginxFileUse(
            path: template, purpose: .read, directive: "--nginx-conf", source: ""),
          isOfStart: true))
    }
    return files
  }

  /// Decides about one of them.
  ///
  /// - Parameter refusal: why the user that nginx runs as cannot read it; nil if it can.
  package static func verdict(
    on file: File, _ refusal: AccessRefusal?, in start: CheckedStart, user: TargetUser
  ) -> Finding.Verdict {
    guard let refusal else { return .passed }
    if start.givesPrefix, file.use.path.bytes.starts(with: (start.request.prefix + "/").bytes) {
      return .skipped("it is in the prefix, which a start gives to \(user.description)")
    }
    let explanation = NginxObstacle.file(file.use, refusal).explanation(
      for: user, isRoot: start.isRoot)
    // A hook can make what is missing.
    let isCertain = file.isOfStart && (refusal != .missing || !start.hasHooks)
    return isCertain ? .failed(explanation) : .warning(explanation)
  }
}

extension CheckedStart {
  /// Whether root gives the prefix, and what is in it, to Kong's user.
  fileprivate var givesPrefix: Bool {
    plan.prepare.contains { if case .changeFile(.givePrefix) = $0 { true } else { false } }
  }

  fileprivate var hasHooks: Bool { !(snapshot.hooks?.files.isEmpty ?? true) }
}
