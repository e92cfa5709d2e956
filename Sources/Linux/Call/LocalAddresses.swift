import Nginx
import Text
import CLinux

/// An address of an interface (netdevice(7)).
struct LocalAddress {
  /// The name of the interface.
  var interface: ByteString
  var host: ListenHost
  var isLoopback: Bool

  /// The addresses of all interfaces that are up, in the kernel's order (getifaddrs(3)).
  ///
  /// - Throws: EAFNOSUPPORT, for example, where there is no netlink.
  static func all() throws(Errno) -> [LocalAddress] {
    var list: UnsafeMutablePointer<ifaddrs>?
    try retried { unsafe getifaddrs(&list) }
    defer { unsafe freeifaddrs(list) }
    var addresses: [LocalAddress] = []
    var next = unsafe list
    while let entry = unsafe next?.pointee {
      unsafe next = entry.ifa_next
      guard unsafe entry.ifa_flags & linux_iff_up != 0, let address = unsafe entry.ifa_addr,
        let host = unsafe SocketAddress(address)?.host
      else { continue }
      addresses.append(
        LocalAddress(
          interface: unsafe ByteString(cString: entry.ifa_name), host: host,
          isLoopback: unsafe entry.ifa_flags & linux_iff_loopback != 0))
    }
    return addresses
  }
}
