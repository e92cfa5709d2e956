package import Capabilities
package import Text

/// How a listener is reached.
package enum ListenerProtocol: String, Sendable {
  case tcp
  case udp
  case unix
}

/// Where a listener takes connections.
package enum ListenAddress: Hashable, Sendable {
  /// An address or a name, in the form nginx takes it ("0.0.0.0", "[::]", "*", "localhost"), and a
  /// port, 1...65535.
  case inet(host: String, port: Int)
  /// The same with each port of a range, as nginx takes it ("8000-8010").
  ///
  /// One value, not one for each port: what a range needs is what its lowest port needs, and
  /// `1024-65535` is to be one line of a plan.
  case portRange(host: String, ports: ClosedRange<Int>)
  /// The path of a socket.
  case unix(path: String)
}

/// One address that Kong is told to listen on, and where that was said.
package struct Listener: Hashable, Sendable {
  /// The variable that names it, such as "KONG_PROXY_LISTEN", or the file of a configuration.
  package var origin: String
  /// The line of the file; 0 where `origin` says all.
  package var line: Int
  /// Where it takes connections.
  package var address: ListenAddress
  /// The flags as they were written, such as "ssl" or "backlog=1024".
  package var flags: [String] = []
  /// Whether a file says so that Kong's user may own, as it owns all of Kong's in Kong's images, and no
  /// variable.
  ///
  /// Such a listener needs what any other does, but cap_net_raw is not granted for it: who took over
  /// that user once could write `transparent` into the file, and read the network's traffic from the
  /// next start on. A low port is less, and what injected listeners are for.
  package var isOnlyInFile = false

  package init(
    source: String, line: Int = 0, address: ListenAddress, flags: [String] = [],
    isOnlyInFile: Bool = false
  ) {
    origin = source
    self.line = line
    self.address = address
    self.flags = flags
    self.isOnlyInFile = isOnlyInFile
  }

  /// What names it: "KONG_PROXY_LISTEN", or "PATH:LINE" of a configuration.
  ///
  /// Composed on demand: few of 20,000 listeners are shown.
  package var source: String { line == 0 ? origin : "\(origin):\(line)" }

  /// The port, the lowest of a range, or nil for a socket in the file system.
  package var port: Int? {
    switch address {
    case .inet(_, let port): port
    case .portRange(_, let ports): ports.lowerBound
    case .unix: nil
    }
  }

  /// The ports, of which a range has several; nil for a socket in the file system.
  package var ports: ClosedRange<Int>? {
    switch address {
    case .inet(_, let port): port...port
    case .portRange(_, let ports): ports
    case .unix: nil
    }
  }

  /// The host as the kernel gets it; nil for a socket in the file system.
  package var host: ListenHost? {
    switch address {
    case .inet(let host, _): ListenHost(host)
    case .portRange(let host, _): ListenHost(host)
    case .unix: nil
    }
  }

  /// TCP unless the flag "udp" (nginx: stream), the flag "quic" (nginx: http) or a path says
  /// otherwise.
  package var transport: ListenerProtocol {
    switch address {
    case .unix: .unix
    case .inet, .portRange: hasFlag("udp") || hasFlag("quic") ? .udp : .tcp
    }
  }

  /// Whether a flag is among them; compared as bytes, for each of 20,000 listeners.
  private func hasFlag(_ name: String) -> Bool {
    flags.contains { $0.utf8.equals(name) }
  }

  /// Address and port as one writes them in the setting: "0.0.0.0:443".
  package var endpoint: String {
    switch address {
    case .inet(let host, let port): "\(host):\(port)"
    case .portRange(let host, let ports): "\(host):\(ports.lowerBound)-\(ports.upperBound)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// The entry as one writes it in the setting: "0.0.0.0:443 ssl".
  package var entry: String { ([endpoint] + flags).joined(separator: " ") }

  /// The listener with its source, as reasons name it: "KONG_PROXY_LISTEN 0.0.0.0:443 ssl".
  package var description: String { "\(source) \(entry)" }

  /// What this listener needs from the kernel.
  ///
  /// A port below `unprivilegedPortStart` needs cap_net_bind_service (ip(7)); the flag
  /// "transparent" sets IP_TRANSPARENT, which needs cap_net_raw (or cap_net_admin, which is more).
  ///
  /// - Parameter unprivilegedPortStart: net.ipv4.ip_unprivileged_port_start of this network
  ///   namespace; it rules IPv6 too.
  package func needs(unprivilegedPortStart: Int) -> CapabilitySet {
    var needs: CapabilitySet = []
    if let port, port < unprivilegedPortStart {
      needs.insert(CapabilitySet(.netBindService))
    }
    if !isOnlyInFile, hasFlag("transparent") { needs.insert(CapabilitySet(.netRaw)) }
    return needs
  }

  /// What is said of a transparent listener that no variable names.
  fileprivate var transparencyWarning: Explanation? {
    guard isOnlyInFile, hasFlag("transparent") else { return nil }
    return Explanation(
      what: "cap_net_raw is not granted for \(description); nginx will say:"
        + " setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)",
      why: "the listener is only in a file that Kong's user can own: whoever took over that user"
        + " could have put it there",
      waysOut: [
        "ask for it: SET_CAP_NET_RAW=1, or --cap net_raw",
        "set the listener in a KONG_*_LISTEN variable",
      ])
  }
}

extension [Listener] {
  /// Those that need something, with what (``Listener/needs(unprivilegedPortStart:)``).
  package func needing(
    from unprivilegedPortStart: Int
  ) -> [(listener: Listener, needs: CapabilitySet)] {
    var found: [(listener: Listener, needs: CapabilitySet)] = []
    for index in indices {
      let needs = self[index].needs(unprivilegedPortStart: unprivilegedPortStart)
      if !needs.isEmpty { found.append((self[index], needs)) }
    }
    return found
  }

  /// What is said of the first transparent listener that no variable names.
  package var transparencyWarning: Explanation? {
    for index in indices {
      if let warning = self[index].transparencyWarning { return warning }
    }
    return nil
  }
}

extension ListenAddress {
  /// A number from 1 to 65535; leading zeros are allowed.
  ///
  /// Kong accepts 0 as well, nginx does not.
  package static func port(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty else { return nil }
    var port = 0
    for byte in digits {
      guard isDigit(byte) else { return nil }
      port = port * 10 + Int(byte - UInt8(ascii: "0"))
      guard port <= 65535 else { return nil }
    }
    return port > 0 ? port : nil
  }
}
