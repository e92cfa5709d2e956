import Kong
package import Text

/// What an earlier start has left in Kong's prefix, whoever owns it.
package struct PrefixState: Equatable, Sendable {
  /// `.kong_env` names certificates in the directory `ssl`, which is not there.
  package var lacksCertificates = false
  /// `ssl/ffdhe2048.pem` is there and has nothing in it.
  package var hasEmptyParameters = false

  /// Nothing is left.
  package init() {}

  /// What `kong prepare` has made of all settings; the next one reads it before it writes it anew.
  package static let settings: ByteString = ".kong_env"
  /// Where `kong prepare` puts certificates that it has made.
  package static let certificates: ByteString = "ssl"
  /// The parameters of a key exchange, which `kong prepare` writes once.
  package static let parameters: ByteString = "ssl/ffdhe2048.pem"
  /// Files that `kong prepare` writes into, whoever owns them.
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
