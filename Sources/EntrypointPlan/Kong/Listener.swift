/// How a listener is reached.
public enum ListenerProtocol: String, Sendable {
  case tcp
  case udp
  case unix
}

/// Where a listener takes connections.
public enum ListenAddress: Hashable, Sendable {
  /// An address or a name, in the form nginx takes it ("0.0.0.0", "[::]", "*", "localhost"), and a
  /// port, 0...65535.
  case inet(host: String, port: Int)
  /// The path of a socket.
  case unix(path: String)
}

/// One address that Kong is told to listen on, and where that was said.
public struct Listener: Hashable, Sendable {
  /// The variable that names it, such as "KONG_PROXY_LISTEN".
  public var source: String
  /// Where it takes connections.
  public var address: ListenAddress
  /// The flags as they were written, such as "ssl" or "backlog=1024".
  public var flags: [String]

  /// Creates a listener from its parts.
  public init(source: String, address: ListenAddress, flags: [String] = []) {
    self.source = source
    self.address = address
    self.flags = flags
  }

  /// The port, or nil for a socket in the file system.
  public var port: Int? {
    if case .inet(_, let port) = address { port } else { nil }
  }

  /// TCP unless the flag "udp" or a path says otherwise.
  public var transport: ListenerProtocol {
    switch address {
    case .unix: .unix
    case .inet: flags.contains("udp") ? .udp : .tcp
    }
  }

  /// The entry as one writes it in the setting: "0.0.0.0:443 ssl".
  public var entry: String {
    let place =
      switch address {
      case .inet(let host, let port): "\(host):\(port)"
      case .unix(let path): "unix:\(path)"
      }
    return ([place] + flags).joined(separator: " ")
  }

  /// The listener with its source, as reasons name it: "KONG_PROXY_LISTEN 0.0.0.0:443 ssl".
  public var description: String { "\(source) \(entry)" }

  /// What this listener needs from the kernel.
  ///
  /// A port p with 0 < p < `unprivilegedPortStart` needs cap_net_bind_service (ip(7)); the flag
  /// "transparent" sets IP_TRANSPARENT, which needs cap_net_raw (or cap_net_admin, which is more).
  ///
  /// - Parameter unprivilegedPortStart: net.ipv4.ip_unprivileged_port_start of this network
  ///   namespace; it rules IPv6 too.
  public func needs(unprivilegedPortStart: Int) -> CapabilitySet {
    var needs: CapabilitySet = []
    if let port, port > 0, port < unprivilegedPortStart {
      needs.insert(CapabilitySet(.netBindService))
    }
    if flags.contains("transparent") { needs.insert(CapabilitySet(.netRaw)) }
    return needs
  }
}
