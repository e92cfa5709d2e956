package import Nginx
import Text

/// Where Kong tells its status over HTTP, as its environment says.
package struct StatusAddress: Equatable, Sendable {
  /// An address of this machine.
  package let host: ListenHost
  package let port: Int
  /// Address and port as a URL has them: "127.0.0.1:8100".
  package let endpoint: String

  /// The first listener of KONG_STATUS_LISTEN that a plain request can reach.
  ///
  /// - Returns: nil if the variable is unset or wrong, or each of its listeners needs TLS, the PROXY
  ///   protocol or a name server.
  package init?(_ environment: Environment) {
    guard let value = environment.nonEmpty("KONG_STATUS_LISTEN"),
      let listeners = try? ListenParser.parse(value, source: "KONG_STATUS_LISTEN")
    else { return nil }
    for listener in listeners {
      guard let address = StatusAddress(listener) else { continue }
      self = address
      return
    }
    return nil
  }

  private init?(_ listener: Listener) {
    let isPlain = !listener.flags.contains {
      $0.utf8.equals("ssl") || $0.utf8.equals("proxy_protocol")
    }
    guard isPlain, case .inet(let name, let port) = listener.address else { return nil }
    self.port = port
    switch ListenHost(name) {
    // Who listens on every address answers on the loopback one.
    case .ipv4(0): (host, endpoint) = (.ipv4(0x7f00_0001), "127.0.0.1:\(port)")
    case .ipv6(0): (host, endpoint) = (.ipv6(1), "[::1]:\(port)")
    case .ipv4, .ipv6: (host, endpoint) = (ListenHost(name), listener.endpoint)
    case .name: return nil
    }
  }
}
