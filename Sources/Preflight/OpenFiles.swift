import Text

/// The check `open-files`.
package enum OpenFilesCheck {
  /// The least that Kong sets, whatever the limit (kong/cmd/utils/prefix_handler.lua).
  private static let least: UInt = 1024

  /// Decides.
  ///
  /// - Parameters:
  ///   - limit: the hard limit of this process (RLIMIT_NOFILE); nil if the kernel does not say.
  ///   - wanted: the number that a setting gives to nginx's workers; nil if Kong chooses it.
  ///   - source: that setting.
  ///   - mayRaise: whether nginx's master may raise the limit (cap_sys_resource).
  package static func verdict(
    limit: UInt?, wanted: UInt?, source: String, mayRaise: Bool
  ) -> Finding.Verdict {
    guard let limit else { return .skipped("the kernel does not say what the limit is") }
    let needed = wanted ?? least
    if mayRaise || needed <= limit { return .passed }
    return .warning(
      Explanation(
        what: "nginx's workers can open only \(limit) files, not \(needed)",
        why: "\(wanted == nil ? "Kong sets worker_rlimit_nofile to at least \(least)" : source),"
          + " and only a process with cap_sys_resource may exceed the hard limit of the container",
        waysOut: [
          "docker run --ulimit nofile=\(max(needed, 16_384)); compose: ulimits.nofile",
          "Kubernetes has no field for it: raise LimitNOFILE of the container runtime's service on the node",
        ] + (wanted == nil ? [] : ["lower \(source)"])))
  }
}

extension OpenFilesCheck {
  private static let variable = "KONG_NGINX_MAIN_WORKER_RLIMIT_NOFILE"

  /// The number that a setting gives, and the setting; nil for "auto".
  package static func wanted(_ start: CheckedStart) -> (number: UInt?, source: String) {
    let digits = start.value(of: variable)?.bytes ?? []
    guard (1...10).contains(digits.count), digits.allSatisfy(isDigit) else {
      return (nil, variable)
    }
    return (digits.reduce(0) { $0 * 10 + UInt($1 - UInt8(ascii: "0")) }, variable)
  }
}
