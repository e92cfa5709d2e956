import Text
import CLinux

/// The network namespace of this process (network_namespaces(7)).
enum NetworkNamespace {
  /// Whether there are sockets for IPv6 (socket(2), EAFNOSUPPORT).
  ///
  /// Other errors do not answer that.
  static func hasIPv6() -> Bool {
    do throws(Errno) {
      _ = try Socket(for: .ipv6(0, port: 0))
      return true
    } catch {
      return error != .addressFamilyNotSupported
    }
  }

  /// Whether it is certainly the host's: only the first network namespace has all sysctls of net.core.
  static func isHosts() -> Bool {
    accessRefusal("/proc/sys/net/core/dev_weight", .read) == nil
  }

  /// Whether capabilities of this user namespace count for the network namespace's ports: whether the
  /// network namespace belongs to this user namespace or to one below it (ioctl_nsfs(2), NS_GET_USERNS).
  ///
  /// It does not if a container has its own user namespace and the host's network.
  static func isOwned() throws(SystemCallFailure) -> Bool {
    let path: ByteString = "/proc/self/ns/net"
    let file: OpenFile
    do throws(Errno) { file = try OpenFile(ofKernel: path) } catch {
      if error == .noSuchFileOrDirectory { return true }
      throw SystemCallFailure("open(\(path))", error)
    }
    do throws(Errno) {
      try file.withDescriptor { file throws(Errno) in
        let number = file.number
        _ = try Descriptor(owning: retried { linux_owner_of_namespace(number) })
      }
      return true
    } catch {
      switch error {
      case .notPermitted: return false
      // Before Linux 4.9.
      case .inappropriateIOCTLForDevice: return true
      default: throw SystemCallFailure("ioctl(NS_GET_USERNS)", error)
      }
    }
  }
}
