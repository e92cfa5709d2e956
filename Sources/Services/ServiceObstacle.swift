import Text

/// Why a service does not answer.
package enum ServiceObstacle: Error, Equatable, Sendable {
  /// Nobody listens on the port (ECONNREFUSED).
  case refused(String)
  /// The kernel knows no way to the address, or a router says that there is none.
  case unreachable(String, reason: String)
  /// No packet comes back.
  case silent(String)
  /// Connected, and closed before an answer.
  case closed(String)
  /// PostgreSQL answers that it does not serve.
  case refuses(String)
  /// Something else than PostgreSQL answers.
  case notPostgreSQL(String)
  /// A server of the DNS says that none of these names exists, or that none has an address.
  case unknownName([DNSName], server: IPAddress, exists: Bool)
  /// No server of the DNS answers, for a reason.
  case serverSilent(IPAddress, reason: String)
  /// A server of the DNS answers with a code of failure.
  case serverFailed(IPAddress, code: UInt8)

  /// A phrase.
  package var text: String {
    switch self {
    case .refused(let address): "nobody listens on \(address) (Connection refused)"
    case .unreachable(let address, let reason): "\(address) cannot be reached (\(reason))"
    case .silent(let address): "\(address) does not answer: no packet comes back"
    case .closed(let address): "\(address) closes the connection without an answer"
    case .refuses(let message): "PostgreSQL answers: \(message)"
    case .notPostgreSQL(let address): "what answers on \(address) is not PostgreSQL"
    case .unknownName(let names, let server, let exists):
      "the DNS server \(server) knows no "
        + (exists ? "address of " : "host ") + names.map { $0.description }.joined(separator: ", ")
        + (exists ? "" : " (NXDOMAIN)")
    case .serverSilent(let server, let reason):
      "the DNS server \(server) does not answer (\(reason))"
    case .serverFailed(let server, let code):
      "the DNS server \(server) cannot answer (\(ServiceObstacle.name(ofCode: code)))"
    }
  }

  /// RFC 1035, section 4.1.1.
  private static func name(ofCode code: UInt8) -> String {
    switch code {
    case 1: "FORMERR"
    case 2: "SERVFAIL"
    case 4: "NOTIMP"
    case 5: "REFUSED"
    default: "code \(code)"
    }
  }

  /// What can be done about it, the best first.
  package var waysOut: [String] {
    switch self {
    case .refused:
      [
        "start the service, or correct its port",
        "Kubernetes: a Service without a ready pod refuses connections, too: kubectl get endpointslices",
      ]
    case .unreachable:
      ["correct the address, or connect both containers to one network"]
    case .silent:
      [
        "let the packets through: a firewall, a security group or a NetworkPolicy drops them",
        "correct the address",
      ]
    case .closed: ["look at the log of the service, or of the proxy in front of it"]
    case .refuses: ["look at the log of PostgreSQL"]
    case .notPostgreSQL: ["correct the port: KONG_PG_PORT"]
    case .unknownName:
      [
        "correct the name; Kubernetes: SERVICE.NAMESPACE.svc; compose: the name of a service on the same"
          + " network",
        "Kubernetes, in a pod with hostNetwork: true: dnsPolicy: ClusterFirstWithHostNet",
      ]
    case .serverSilent:
      [
        "let UDP and TCP port 53 through: a NetworkPolicy or a firewall drops it, or the server is down",
        "correct /etc/resolv.conf: docker run --dns, Kubernetes dnsConfig",
      ]
    case .serverFailed: ["look at the log of the DNS server; in a cluster, of CoreDNS"]
    }
  }
}
