import Nginx
import Plan
package import Services
package import Text

/// The check `cluster-dns`.
package enum ClusterDNSCheck {
  /// What came of the attempt to resolve a name.
  package enum Resolution: Equatable, Sendable {
    case found
    case failed(ServiceObstacle)
  }

  /// Decides about a name in Kong's settings.
  ///
  /// - Parameters:
  ///   - source: the setting that has it.
  ///   - search: the domains of /etc/resolv.conf.
  package static func verdict(
    on name: ByteString, source: String, _ resolution: Resolution, search: [ByteString]
  ) -> Finding.Verdict {
    switch resolution {
    case .found: .passed
    // Only an answer is certain.
    case .failed(let obstacle):
      if case .unknownName = obstacle {
        isOfCluster(search)
          ? .warning(unknown(name, source, obstacle)) : .failed(outside(name, source, obstacle))
      } else {
        .skipped(obstacle.text)
      }
    }
  }

  /// Whether names of Services can be short: the kubelet writes "NAMESPACE.svc.CLUSTER", "svc.CLUSTER" and
  /// "CLUSTER".
  private static func isOfCluster(_ search: [ByteString]) -> Bool {
    search.contains { domain in
      domain.bytes.split(separator: UInt8(ascii: ".")).contains { $0.equals("svc") }
    }
  }

  private static func outside(
    _ name: ByteString, _ source: String, _ obstacle: ServiceObstacle
  ) -> Explanation {
    Explanation(
      what: "Kong cannot resolve \(name.shortened), which \(source) names",
      why: "\(obstacle.text), and /etc/resolv.conf has no search domain of the cluster: with"
        + " hostNetwork: true a pod gets the node's, unless its dnsPolicy says otherwise",
      waysOut: [
        "Kubernetes: in the pod's spec, dnsPolicy: ClusterFirstWithHostNet",
        "if the name is not one of the cluster, correct it",
      ])
  }

  private static func unknown(
    _ name: ByteString, _ source: String, _ obstacle: ServiceObstacle
  ) -> Explanation {
    Explanation(
      what: "Kong cannot resolve \(name.shortened), which \(source) names", why: obstacle.text,
      waysOut: [
        "correct the name; of another namespace's Service it is SERVICE.NAMESPACE.svc",
        "create the Service, or wait for it: --wait-for",
      ])
  }
}

extension ClusterDNSCheck {
  /// A host that Kong connects to, by name, and the setting that names it.
  package struct Host: Equatable, Sendable {
    package var name: ByteString
    package var source: String
  }

  /// Why nothing is resolved; nil if it is.
  package static func reasonToSkip(_ start: CheckedStart, _ hosts: [Host]) -> String? {
    if start.value(of: "KUBERNETES_SERVICE_HOST") == nil {
      return "this is not a pod of Kubernetes"
    }
    if start.value(of: "KONG_DNS_RESOLVER") != nil {
      return "Kong asks the servers of KONG_DNS_RESOLVER, and not those of /etc/resolv.conf"
    }
    return hosts.isEmpty ? "no setting names a host that Kong connects to" : nil
  }

  /// Those in Kong's settings: the database, and the control plane of a data plane.
  package static func hosts(of start: CheckedStart) -> [Host] {
    var hosts: [Host] = []
    let database = DatabaseService(start.request, files: start.snapshot.files)
    if let service = try? database.service(), case .name(let name) = service.address.host {
      hosts.append(Host(name: name, source: service.origin))
    }
    for variable in ["KONG_CLUSTER_CONTROL_PLANE", "KONG_CLUSTER_TELEMETRY_ENDPOINT"] {
      if let address = start.value(of: variable).flatMap({ ServiceAddress($0) }),
        case .name(let name) = address.host
      {
        hosts.append(Host(name: name, source: variable))
      }
    }
    return hosts
  }
}
