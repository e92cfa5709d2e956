package import Capabilities
package import Nginx
import Plan
import Text

/// The nginx of the prefix, while it runs, compared with the plan.
package enum RunningCheck {
  /// Whether it has what the plan gives it, and no more.
  ///
  /// - Parameters:
  ///   - actual: what it has; nil if that is not known.
  ///   - planned: what a start would give it now; nil if this start cannot succeed.
  package static func credentials(
    _ actual: Credentials?, planned: Credentials?, process: Int, names: CapabilityNames
  ) -> Finding {
    Finding(
      .running, "nginx", verdict(actual, planned: planned, process: process, names: names))
  }

  private static func verdict(
    _ actual: Credentials?, planned: Credentials?, process: Int, names: CapabilityNames
  ) -> Finding.Verdict {
    guard let actual else { return .skipped("/proc/\(process)/status cannot be read") }
    guard let planned else {
      return .skipped("the plan of a start from here, with which it is compared, cannot succeed")
    }
    var differences: [String] = []
    if actual.user.effective != planned.user.effective {
      differences.append("uid \(actual.user.effective) instead of \(planned.user.effective)")
    }
    if actual.group.effective != planned.group.effective {
      differences.append("gid \(actual.group.effective) instead of \(planned.group.effective)")
    }
    let missing = planned.effective.subtracting(actual.effective)
    if !missing.isEmpty { differences.append("no \(names.text(of: missing))") }
    let more = actual.permitted.subtracting(planned.permitted)
    if !more.isEmpty { differences.append("\(names.text(of: more)) in addition") }
    if planned.noNewPrivileges, !actual.noNewPrivileges {
      differences.append("no_new_privs off")
    }
    if differences.isEmpty { return .passed }
    return .warning(
      Explanation(
        what: "nginx (process \(process)) differs from the plan: it has"
          + " \(differences.joined(separator: ", "))",
        why: "it was started with other settings, or by a process with other capabilities than this"
          + " check",
        waysOut: [
          "restart the container, so that the present settings count",
          "run this check as the container was started: docker exec without --user and --privileged",
        ]))
  }

  /// Whether this nginx listens on a listener of the settings.
  ///
  /// - Parameters:
  ///   - entries: the sockets of the listener's transport.
  ///   - isOwn: whether a socket is nginx's.
  package static func verdict(
    on listener: Listener, _ entries: [SocketTable.Entry], isOwn: (SocketTable.Entry) -> Bool
  ) -> Finding.Verdict {
    guard let host = listener.host, let port = listener.port else {
      return .skipped("it is a path")
    }
    if case .name = host { return .skipped("nginx has resolved the name when it started") }
    let there = entries.filter {
      $0.isListening && $0.port == port && $0.host.isIPv6 == host.isIPv6
        && ($0.host == host || $0.host.isWildcard)
    }
    if there.contains(where: isOwn) { return .passed }
    let holder = there.first.map {
      PortHolder(host: $0.host, port: $0.port, uid: $0.uid).description
    }
    return .failed(
      Explanation(
        what: "nginx does not listen on \(listener.description)",
        why: holder
          ?? "no socket listens there: nginx was started, or last reloaded, with other settings",
        waysOut: [
          "kong reload, or a restart of the container, so that the present settings count",
          "the errors of nginx: KONG_PROXY_ERROR_LOG, or docker logs",
        ]))
  }
}
