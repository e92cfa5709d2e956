import Nginx
import Preflight
import Text

extension AddressState {
  /// Asks the kernel about the address of a listener; nil for a path.
  ///
  /// No port is bound, and nothing is sent.
  static func read(of listener: Listener) -> AddressState? {
    guard let host = listener.host else { return nil }
    guard let address = SocketAddress(host, port: 0) else { return .isName }
    do throws(Errno) {
      try Socket(for: address).bind(to: address)
      return !bindsAny(host) || isLocal(host) ? .isHere : .isNotHereButBinds
    } catch {
      switch error {
      case .addressNotAvailable: return .isNotHere
      case .addressFamilyNotSupported: return .hasNoFamily
      // Of a link-local address (ipv6(7), sin6_scope_id).
      case .invalidArgument where host.isIPv6: return .needsScope
      default: return .isUnknown("bind() fails: \(error)")
      }
    }
  }

  /// Whether bind(2) takes addresses that are not here (ip(7), ip_nonlocal_bind).
  private static func bindsAny(_ host: ListenHost) -> Bool {
    let version = host.isIPv6 ? "ipv6" : "ipv4"
    do throws(SystemCallFailure) {
      let path = ByteString("/proc/sys/net/\(version)/ip_nonlocal_bind")
      return try contentsIfPresent(ofKernel: path)?.first == UInt8(ascii: "1")
    } catch {
      return false
    }
  }

  /// Whether packets to the address stay on this machine: then they have it as their source, too.
  ///
  /// It is also true where the kernel does not say.
  private static func isLocal(_ host: ListenHost) -> Bool {
    switch host {
    // Every address, and those whose source is 127.0.0.1.
    case .ipv4(0), .ipv6(0), .ipv4(0x7f00_0000...0x7fff_ffff): return true
    default: break
    }
    // The port does not matter: nothing is sent to it.
    guard let address = SocketAddress(host, port: 9) else { return true }
    do throws(Errno) {
      let socket = try Socket(for: address, .datagram)
      try socket.connect(to: address)
      return try socket.localAddress()?.host == host
    } catch {
      return error != .networkUnreachable && error != .hostUnreachable
    }
  }
}
