package import Nginx
package import Plan
import Text

/// Whether the kernel lets a socket have an address, apart from the port.
package enum AddressState: Equatable, Sendable {
  /// An interface has it.
  case isHere
  /// No interface has it, and bind(2) says so.
  case isNotHere
  /// No interface has it, and bind(2) succeeds nevertheless: net.ipv4.ip_nonlocal_bind, or the one for
  /// IPv6, is 1 (ip(7)).
  case isNotHereButBinds
  /// It is a link-local address of IPv6, of which there is one on each interface.
  case needsScope
  /// The kernel makes no socket of the address's family.
  case hasNoFamily
  /// Only nginx resolves the name.
  case isName
  /// The kernel's answer says nothing about the address.
  case isUnknown(String)
}

/// The check `address`.
package enum AddressCheck {
  /// Decides about one listener.
  ///
  /// - Parameters:
  ///   - state: what the kernel says of its address; nil for a path.
  ///   - user: the user that nginx runs as.
  package static func verdict(
    on listener: Listener, _ state: AddressState?, user: TargetUser, isRoot: Bool
  ) -> Finding.Verdict {
    if listener.flags.contains("transparent") {
      return .skipped("with the flag transparent, nginx may listen on any address")
    }
    return switch state {
    case nil: .skipped("it is a path")
    case .isHere: .passed
    case .isName: .skipped("nginx resolves the name when it starts")
    case .isUnknown(let reason): .skipped(reason)
    case .isNotHere:
      .failed(NginxObstacle.notLocal(listener).explanation(for: user, isRoot: isRoot))
    case .hasNoFamily:
      .failed(NginxObstacle.noIPv6(listener).explanation(for: user, isRoot: isRoot))
    case .needsScope: .failed(isLinkLocal(listener))
    case .isNotHereButBinds: .warning(comesLater(listener))
    }
  }

  private static func isLinkLocal(_ listener: Listener) -> Explanation {
    Explanation(
      what: "nginx cannot listen on \(listener.description): bind() fails (22: Invalid argument)",
      why: "a link-local address belongs to one interface, and nginx cannot name the interface",
      waysOut: [
        "listen on all addresses: [::]:\(listener.port ?? 0)",
        "use another address that the container has: see ip -6 address",
      ])
  }

  private static func comesLater(_ listener: Listener) -> Explanation {
    let isIPv6 = listener.host?.isIPv6 == true
    let sysctl = isIPv6 ? "net.ipv6.ip_nonlocal_bind" : "net.ipv4.ip_nonlocal_bind"
    return Explanation(
      what:
        "nobody reaches Kong at \(listener.description) as long as no interface has the address",
      why: "\(sysctl) is 1, so bind() succeeds for an address that is not here",
      waysOut: [
        "if the address moves between nodes (keepalived, a virtual IP), nothing: Kong is ready for it",
        "otherwise use an address that the container has: see ip address",
        "listen on all addresses: \(isIPv6 ? "[::]" : "0.0.0.0"):\(listener.port ?? 0)",
      ])
  }
}
