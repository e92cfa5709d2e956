import Glibc
import SystemPackage

/// The network namespace of this process (network_namespaces(7)).
enum NetworkNamespace {
  /// NS_GET_USERNS of linux/nsfs.h, `_IO(0xb7, 0x1)`, which is no constant that Swift can import.
  private static let getOwner: UInt = 0xb701

  /// Whether a capability of this user namespace counts for its ports: whether the network namespace
  /// belongs to this user namespace or to one below it (ioctl_nsfs(2), NS_GET_USERNS).
  ///
  /// It does not in a container with a user namespace of its own and the network of the host.
  static func isOwned() -> Bool {
    guard
      let namespace = try? FileDescriptor.open(
        "/proc/self/ns/net", .readOnly, options: .closeOnExec)
    else { return true }
    defer { try? namespace.close() }
    let owner = ioctl(namespace.rawValue, getOwner, 0)
    guard owner >= 0 else { return errno != EPERM }
    close(owner)
    return true
  }
}
