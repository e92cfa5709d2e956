package import Nginx

/// Why nginx cannot start with its configuration, seen after a `kong prepare` that failed: the `nginx -t`
/// at its end opens each file and makes each socket.
package enum NginxObstacle: Equatable, Sendable {
  /// A directory of the prefix in which Kong makes files, and the user cannot.
  case closedDirectory(PathEntry)
  /// A file that the configuration names.
  case file(NginxFileUse, AccessRefusal)
  /// The kernel has no IPv6, or not for this container.
  case noIPv6(Listener)
  /// No interface has the address.
  case notLocal(Listener)
}
