import Kong
package import Nginx
package import Text

extension NginxObstacle {
  /// The same with the setting's listener in place of the generated one, where there is one.
  package func naming(_ listeners: [Listener]) -> NginxObstacle {
    switch self {
    case .closedDirectory, .file: self
    case .noIPv6(let listener): .noIPv6(listener.named(in: listeners))
    case .notLocal(let listener): .notLocal(listener.named(in: listeners))
    }
  }

  /// What a person should know of it.
  ///
  /// - Parameters:
  ///   - user: the user that nginx runs as.
  ///   - isRoot: whether the start is root's.
  package func explanation(for user: TargetUser, isRoot: Bool) -> Explanation {
    switch self {
    case .closedDirectory(let entry): NginxObstacle.closed(entry, user: user)
    case .file(let use, .missing): NginxObstacle.missing(use)
    case .file(let use, .denied(let entry)):
      NginxObstacle.denied(use, entry, user: user, isRoot: isRoot)
    case .file(let use, .readOnly):
      Explanation(
        what: "nginx cannot \(use.action)", why: "its mount is read-only",
        waysOut: use.waysToLogElsewhere + OwnershipReport.waysOutOfReadOnly)
    case .file(let use, .unreachable):
      Explanation(
        what: "nginx cannot \(use.action)", why: "it cannot be reached",
        waysOut: use.waysToLogElsewhere + ["correct the setting that names it"])
    case .noIPv6(let listener):
      Explanation(
        what:
          "nginx cannot listen on \(listener.description): socket() fails (97: Address family not"
          + " supported by protocol)",
        why: "there is no IPv6 here: the kernel or the node has it turned off",
        waysOut: [
          "listen on IPv4 only: take each entry with [...] out of KONG_PROXY_LISTEN, KONG_ADMIN_LISTEN,"
            + " KONG_STATUS_LISTEN, ...",
          "Kong's Helm chart: proxy.addresses: [\"0.0.0.0\"], and the same for admin and status",
          "enable IPv6 on the node: remove ipv6.disable=1 from the kernel command line",
        ])
    case .notLocal(let listener): NginxObstacle.hasNoInterface(listener)
    }
  }

  private static func hasNoInterface(_ listener: Listener) -> Explanation {
    let isIPv6 = listener.host?.isIPv6 == true
    let mayBeOff = isIPv6 ? ", or IPv6 is off here (net.ipv6.conf.all.disable_ipv6)" : ""
    var waysOut = [
      "listen on all addresses: \(isIPv6 ? "[::]" : "0.0.0.0"):\(listener.port ?? 0)",
      "use an address that the container has: see ip address",
    ]
    if isIPv6 {
      waysOut.append(
        "listen on IPv4, or turn IPv6 on: docker run --sysctl net.ipv6.conf.all.disable_ipv6=0")
    }
    return Explanation(
      what:
        "nginx cannot listen on \(listener.description): bind() fails (99: Cannot assign requested"
        + " address)",
      why: "no interface of this network namespace has the address" + mayBeOff, waysOut: waysOut)
  }

  private static func closed(_ entry: PathEntry, user: TargetUser) -> Explanation {
    let place = entry.place.description.map { "it is \($0), and has" } ?? "it has"
    return Explanation(
      what: "\(user.description) cannot write \(entry.path), where Kong creates files",
      why: entry.isReadOnly ? "its mount is read-only" : "\(place) \(entry.description)",
      waysOut: entry.isReadOnly
        ? OwnershipReport.waysOutOfReadOnly
        : entry.place.waysToGive(
          entry.path, to: "\(user.uid):\(user.gid)", group: user.uid))
  }

  private static func missing(_ use: NginxFileUse) -> Explanation {
    let isMade = use.purpose != .read
    return Explanation(
      what: "nginx cannot \(use.action)",
      why: isMade ? "its directory does not exist" : "there is no such file",
      waysOut: use.waysToLogElsewhere + [
        isMade ? "make the directory" : "mount the file", "correct the setting that names it",
      ])
  }

  private static func denied(
    _ use: NginxFileUse, _ entry: PathEntry, user: TargetUser, isRoot: Bool
  ) -> Explanation {
    let place = entry.place.description.map { "it is \($0), and has" } ?? "it has"
    let verb =
      use.purpose == .read ? (entry.kind == .directory ? "enter" : "read") : "write"
    let waysOut =
      use.purpose == .read
      ? (isRoot ? use.waysToPassContents : [])
        + entry.place.waysToRead(entry, owner: "\(user.uid):\(user.gid)", group: user.uid)
      : use.waysToLogElsewhere
        + entry.place.waysToGive(entry.path, to: "\(user.uid):\(user.gid)", group: user.uid)
    return Explanation(
      what: "nginx cannot \(use.action)",
      why: "\(user.description) cannot \(verb) \(entry.path): \(place) \(entry.description)",
      waysOut: waysOut)
  }
}

extension Listener {
  /// The one of `listeners` that is the same socket; itself where none is.
  fileprivate func named(in listeners: [Listener]) -> Listener {
    let socket = ListenerSocket(self)
    return listeners.first { ListenerSocket($0) == socket } ?? self
  }
}

extension NginxFileUse {
  /// "write /tmp/access.log, which access_log names (FILE:LINE)".
  fileprivate var action: String {
    let verb =
      switch purpose {
      case .read: "read"
      case .write: "write"
      case .directory: "make"
      case .socket: "make the socket"
      }
    let place = source.isEmpty ? "" : " (\(source))"
    return "\(verb) \(path.shortened), which \(directive) names\(place)"
  }

  fileprivate var waysToLogElsewhere: [String] {
    if purpose == .read { return [] }
    if directive.hasPrefix("KONG_") {
      return ["\(directive)=/dev/\(directive.hasSuffix("_ERROR_LOG") ? "stderr" : "stdout")"]
    }
    return switch directive {
    case "error_log":
      ["log to the container's output: KONG_PROXY_ERROR_LOG=/dev/stderr, KONG_ADMIN_ERROR_LOG, ..."]
    case "access_log":
      [
        "log to the container's output: KONG_PROXY_ACCESS_LOG=/dev/stdout, KONG_ADMIN_ACCESS_LOG, ..."
      ]
    default: []
    }
  }

  /// Of a certificate and its key Kong 3 takes the text, too.
  fileprivate var waysToPassContents: [String] {
    let variable: String
    switch directive {
    case "ssl_certificate": variable = "KONG_SSL_CERT"
    case "ssl_certificate_key": variable = "KONG_SSL_CERT_KEY"
    case _
    where directive.utf8.ends(with: "_SSL_CERT") || directive.utf8.ends(with: "_SSL_CERT_KEY"):
      variable = directive
    default: return []
    }
    return [
      "Kong 3: \(variable)_FILE=\(path.shortened) in place of \(variable): root reads the"
        + " file, and passes its contents on"
    ]
  }
}

extension FilePlace {
  /// The ways to let a user read an entry where it comes from.
  fileprivate func waysToRead(_ entry: PathEntry, owner: String, group: UInt32) -> [String] {
    let bits = entry.kind == .directory ? "+rx" : "+r"
    let kubernetes = [
      "Kubernetes: securityContext.fsGroup: \(group) in the pod, and defaultMode: 0440 for a Secret"
    ]
    let mount = [
      "on the host: chown \(owner) on what is mounted there, or chmod g\(bits) and docker run --group-add"
        + " \(entry.gid)"
    ]
    let image = [
      "in the Dockerfile: COPY --chown=\(owner), or, as root, RUN chown \(owner) \(entry.path)"
    ]
    let secret = ["compose: uid, gid and mode in the long form of `secrets`"]
    return switch self {
    case .image: image
    case .kubernetesVolume: kubernetes
    // A Secret of Kubernetes or of Docker is on one.
    case .memory: kubernetes + secret
    case .mount: mount + kubernetes
    case .unknown: kubernetes + mount + image
    }
  }
}
