import Text
import Glibc
import SystemPackage

/// The network namespace of this process (network_namespaces(7)).
enum NetworkNamespace {
  /// NS_GET_USERNS of linux/nsfs.h, `_IO(0xb7, 0x1)`, which is no constant that Swift can import.
  private static let getOwner: UInt = 0xb701

  /// Whether there are sockets for IPv6 (socket(2), EAFNOSUPPORT); any other refusal says nothing of that.
  static func hasIPv6() -> Bool {
    let descriptor = socket(AF_INET6, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno != EAFNOSUPPORT }
    close(descriptor)
    return true
  }

  /// Whether a capability of this user namespace counts for its ports: whether the network namespace
  /// belongs to this user namespace or to one below it (ioctl_nsfs(2), NS_GET_USERNS).
  ///
  /// It does not in a container with a user namespace of its own and the network of the host.
  static func isOwned() throws(SystemCallFailure) -> Bool {
    let path: ByteString = "/proc/self/ns/net"
    let owner: CInt
    do throws(Errno) {
      owner = try OpenFile(ofKernel: path).withDescriptor { ioctl($0.rawValue, getOwner, 0) }
    } catch {
      if error == .noSuchFileOrDirectory { return true }
      throw SystemCallFailure("open(\(path))", error)
    }
    guard owner < 0 else {
      close(owner)
      return true
    }
    switch Errno(rawValue: errno) {
    case .notPermitted: return false
    // Before Linux 4.9.
    case .inappropriateIOCTLForDevice: return true
    case let reason: throw SystemCallFailure("ioctl(NS_GET_USERNS)", reason)
    }
  }
}
