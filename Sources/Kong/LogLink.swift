package import Text

/// A log file of Kong's in PREFIX/logs that the official images make a link to a standard stream, so
/// that `docker logs` shows it.
package struct LogLink: Equatable, Sendable {
  /// The file's name in PREFIX/logs.
  package let name: ByteString
  /// What it is a link to.
  package let target: ByteString

  /// All of them.
  package static let all = [
    LogLink(name: "access.log", target: "/dev/stdout"),
    LogLink(name: "admin_access.log", target: "/dev/stdout"),
    LogLink(name: "error.log", target: "/dev/stderr"),
  ]
}
