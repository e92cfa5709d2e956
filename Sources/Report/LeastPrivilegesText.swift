package import Capabilities
package import Plan
package import Text

extension LeastPrivileges {
  /// The flags of `docker run` (or podman), on one line.
  package func dockerFlags(_ names: CapabilityNames) -> String {
    var flags = ["--user \(uid)", "--cap-drop ALL"]
    flags += engineNames(names).map { "--cap-add \($0)" }
    if allowsNoNewPrivileges { flags.append("--security-opt no-new-privileges") }
    if let port = unprivilegedPortStart {
      flags.append("--sysctl net.ipv4.ip_unprivileged_port_start=\(port)")
    }
    return flags.joined(separator: " ")
  }

  /// A note for flags that do not work on the host's network: a command line has no place for a
  /// comment.
  package var networkNote: Explanation? {
    guard unprivilegedPortStart != nil else { return nil }
    return Explanation(
      what: "these flags are for a container with its own network",
      why: "with --network host the host's ip_unprivileged_port_start applies, and cannot be set",
      waysOut: [
        "on the host's network: setcap cap_net_bind_service=p on entrypoint's own file in the image; then"
          + " the same command prints --cap-add NET_BIND_SERVICE",
        "on the host's network, start as root: the same command with --user 0 prints the flags",
      ])
  }

  /// The security contexts of a pod and its container, in YAML, as far as the start needs them.
  package func kubernetesContext(_ names: CapabilityNames, prefix: ByteString) -> String {
    var lines: [String] = []
    if let port = unprivilegedPortStart {
      lines += [
        "# in the pod's spec; not possible with hostNetwork: true, not needed with containerd 2",
        "securityContext:",
        "  sysctls:",
        "    - name: net.ipv4.ip_unprivileged_port_start",
        "      value: \"\(port)\"",
      ]
    }
    lines += ["# in the container", "securityContext:", "  runAsUser: \(uid)"]
    if uid != 0 { lines.append("  runAsNonRoot: true") }
    lines.append("  allowPrivilegeEscalation: \(!allowsNoNewPrivileges)")
    if allowsReadOnlyRoot {
      lines += ["  # with volumes at \(prefix) and /tmp", "  readOnlyRootFilesystem: true"]
    } else {
      lines += ["  # the grant is written to nginx's file", "  readOnlyRootFilesystem: false"]
    }
    lines += ["  capabilities:", "    drop: [\"ALL\"]"]
    if !capabilities.isEmpty {
      if uid != 0 { lines.append("    # counts because entrypoint's own file carries it") }
      let list = engineNames(names).map { "\"\($0)\"" }.joined(separator: ", ")
      lines.append("    add: [\(list)]")
    }
    return lines.joined(separator: "\n")
  }

  private func engineNames(_ names: CapabilityNames) -> [String] {
    names.names(of: capabilities).map(EngineFlags.name)
  }
}
