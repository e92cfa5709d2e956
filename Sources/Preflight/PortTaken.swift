package import Nginx
import Plan
import Text

/// Whether a listener's port is free.
package enum PortState: Equatable, Sendable {
  /// nginx can bind it.
  case free
  /// nginx can bind it, although somebody else listens: both have reuseport, and the same user.
  case shared([PortHolder])
  /// bind(2) fails with EADDRINUSE; those who have it, as far as they are known.
  case taken([PortHolder])
  /// Of UDP: somebody has it, and whether nginx can bind it depends on the other's options.
  case usedByUDP([PortHolder])
  /// The nginx of this very prefix runs, and has it.
  case ofOwnNginx
  /// It was not tried, for this reason.
  case unknown(String)
}

/// The checks `port-taken` and `port-shared`.
package enum PortChecks {
  /// Whether nginx can have the port at all.
  package static func taken(_ listener: Listener, _ state: PortState) -> Finding.Verdict {
    switch state {
    case .free, .shared, .ofOwnNginx: .passed
    case .unknown(let reason): .skipped(reason)
    case .taken(let holders):
      .failed(isTaken(listener, holders.first))
    case .usedByUDP(let holders): .warning(isUsed(listener, holders))
    }
  }

  /// Whether nginx would have it alone; nil where nobody can share it.
  package static func shared(_ listener: Listener, _ state: PortState) -> Finding.Verdict? {
    guard listener.isReusingPort else { return nil }
    return switch state {
    case .free, .ofOwnNginx: .passed
    case .taken, .usedByUDP: .skipped("the port is taken")
    case .unknown(let reason): .skipped(reason)
    case .shared(let holders): .failed(isShared(listener, holders))
    }
  }

  /// nginx itself says so only once it has replaced entrypoint: `nginx -t` takes no notice of EADDRINUSE, so
  /// that it can be run beside an nginx.
  private static func isTaken(_ listener: Listener, _ holder: PortHolder?) -> Explanation {
    var why = holder?.description ?? "another socket, which the kernel does not list, has the port"
    if let holder, holder.host != listener.host {
      why +=
        holder.host.isWildcard ? ", and so on every address" : ", which is one of the addresses"
    }
    let port = listener.port ?? 0
    return Explanation(
      what:
        "nginx cannot listen on \(listener.description): bind() fails (98: Address already in use)",
      why: why,
      waysOut: [
        "stop it: ss -ltnp 'sport = :\(port)' shows it, on the node if the network is the host's",
        "listen on another port, or on an address that it does not use",
        "hostNetwork: declare the port in `ports` of the pod, so that two such pods are never on one"
          + " node",
      ])
  }

  private static func isShared(_ listener: Listener, _ holders: [PortHolder]) -> Explanation {
    let holder = holders.first?.description ?? "another process listens there"
    return Explanation(
      what:
        "\(listener.description) shares its port: another process gets a part of the connections",
      why:
        "\(holder); both have reuseport and the same user, so both start, and the kernel spreads the"
        + " connections over them",
      waysOut: [
        "stop the other: ss -ltnp 'sport = :\(listener.port ?? 0)' shows it, on the node",
        "leave out reuseport in \(listener.origin): then a second Kong fails with an error",
        "hostNetwork: declare the port in `ports` of the pod, so that two such pods are never on one"
          + " node",
        "if both are meant to serve, as in an update: ENTRYPOINT_CHECKS=-port-shared",
      ])
  }

  private static func isUsed(_ listener: Listener, _ holders: [PortHolder]) -> Explanation {
    Explanation(
      what: "\(listener.description) may not get its datagrams: another process has the port",
      why: holders.first?.description ?? "another process listens there",
      waysOut: [
        "stop the other: ss -lunp 'sport = :\(listener.port ?? 0)' shows it, on the node",
        "listen on another port, or on an address that it does not use",
      ])
  }
}

extension Listener {
  /// Whether sockets of one user can listen on it side by side (socket(7), SO_REUSEPORT).
  package var isReusingPort: Bool { flags.contains { $0.utf8.equals("reuseport") } }

  /// Whether a socket of IPv6 takes connections of IPv4, too (nginx's `ipv6only=off`).
  package var acceptsIPv4: Bool { flags.contains { $0.utf8.equals("ipv6only=off") } }
}

extension SocketTable.Entry {
  /// Whether the socket keeps a listener of the same port from an address.
  ///
  /// - Parameter isCertain: false to count a socket for all addresses of IPv6 for IPv4, too: the table does
  ///   not say whether it takes both.
  package func blocks(_ listener: Listener, isCertain: Bool) -> Bool {
    guard isListening, let wanted = listener.host, listener.ports?.contains(port) == true else {
      return false
    }
    if host.isIPv6 == wanted.isIPv6 {
      return host == wanted || host.isWildcard || wanted.isWildcard
    }
    if wanted.isIPv6 { return wanted.isWildcard && listener.acceptsIPv4 }
    return !isCertain && host == .ipv6(0)
  }
}
