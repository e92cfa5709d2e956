import Kong
package import Text

/// What an earlier start has left in Kong's prefix, and what else `kong prepare` must be able to use, as
/// the user sees it that Kong runs as.
package struct PrefixState: Equatable, Sendable {
  /// Why a directory cannot be written.
  package enum Obstacle: Equatable, Sendable {
    case missing
    case readOnly
    /// Its mode, or that of a directory above it.
    case denied(PathEntry?)
  }

  /// The prefix is not there.
  package var isMissing = false
  /// `.kong_env` is there, and the user may write it.
  package var hasWritableSettings = false
  /// `.kong_env`, where the user may not read it.
  package var unreadableSettings: PathEntry?
  /// `.kong_env` names certificates in the directory `ssl`, which is not there.
  package var lacksCertificates = false
  /// `ssl/ffdhe2048.pem` is there and has nothing in it.
  package var hasEmptyParameters = false
  /// Those of ``written`` that are there and that the user may not write.
  package var unwritable: [PathEntry] = []
  /// The first of ``directories`` that is there, that the user may not write, and in which something is
  /// missing that every Kong makes.
  package var closedDirectory: PathEntry?
  /// ``errorLog``, where it is a regular file that the user may not write.
  package var closedLog: PathEntry?
  /// Why ``temporary`` cannot be written; nil where it can.
  package var temporaryObstacle: Obstacle?

  /// Nothing is left, and nothing is in the way.
  package init() {}

  /// What `kong prepare` has made of all settings; the next one reads it before it writes it anew.
  package static let settings: ByteString = ".kong_env"
  /// Where `kong prepare` puts certificates that it has made.
  package static let certificates: ByteString = "ssl"
  /// The parameters of a key exchange, which `kong prepare` writes once.
  package static let parameters: ByteString = "ssl/ffdhe2048.pem"
  /// Files that `kong prepare` writes into, whosever they are.
  package static let written: [ByteString] = [
    ".ca_combined", "nginx.conf", "nginx-kong.conf", "nginx-kong-stream.conf",
  ]
  /// Directories of the prefix, and the files in them that `kong prepare` and its `nginx -t` make where
  /// they are not there (Kong 1.3 to 3.9).
  package static let directories: [(name: ByteString, files: [ByteString])] = [
    ("logs", ["error.log", "access.log", "admin_access.log"]),
    (PidFile.directory, [PidFile.name]),
  ]
  /// Directories of the prefix that some versions of Kong need, and the file that is made once where that
  /// is all they are for.
  package static let laterDirectories: [(name: ByteString, file: ByteString?)] = [
    (certificates, "kong-default.crt"), ("sockets", nil), ("dbless.lmdb", nil),
  ]
  /// Where Kong's nginx logs unless a setting says otherwise.
  package static let errorLog: ByteString = "logs/error.log"
  /// Where each `kong` command makes a directory of its own; it ends with status 30 where it cannot.
  package static let temporary: ByteString = "/tmp"

  /// Whether the contents of `.kong_env` name a file in the prefix's directory of certificates.
  package static func namesCertificates(_ settings: [UInt8], in prefix: ByteString) -> Bool {
    let name = (prefix + "/" + certificates + "/").bytes
    return settings.split(separator: UInt8(ascii: "\n")).contains { line in
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return false }
      return line[(equals + 1)...].drop { $0 == UInt8(ascii: " ") }.starts(with: name)
    }
  }
}
