import Kong
import Capabilities
import Nginx
import Text

extension Shortfall {
  /// The ways to a container, or an image, in which `need` can be granted.
  func grantWaysOut(_ need: Need) -> [String] {
    let isHeld = start.permitted.contains(need.capability)
    let isInBounding = start.bounding.contains(need.capability)
    // What a start as root would miss here: for its drop, too, where the container began with nothing.
    let missing = CapabilitySet([need.capability, .chown, .setgid, .setuid, .setpcap])
      .subtracting(start.bounding)
    var ways: [String] = []
    if !host.ownsNetwork, let port = need.listeners.compactMap({ $0.port }).min() {
      ways.append("leave out --network host, or the user namespace (--userns, userns-remap)")
      ways.append("on the host: sysctl -w net.ipv4.ip_unprivileged_port_start=\(port)")
    } else if isRoot, !isInBounding {
      ways += EngineFlags.adding([engineName(need.capability)])
    } else if isRoot, !isHeld {
      ways.append(
        "start entrypoint first, as the image's ENTRYPOINT: what starts it here has given the capability"
          + " up")
    } else if !isRoot, !isHeld || host.secureExecution {
      let short = missing.members.map(engineName)
      let flags = short.map { " --cap-add \($0)" }.joined(separator: "")
      let list = short.map { "\"\($0)\"" }.joined(separator: ", ")
      let add = short.isEmpty ? "" : " and capabilities.add: [\(list)]"
      ways += ownFileLimit(need)?.waysOut ?? []
      ways.append("docker run --user 0\(flags): \(dropOfRoot)")
      ways.append("Kubernetes: runAsUser: 0\(add), likewise; it works without privilege escalation")
      // Entrypoint's own file capabilities serve listeners, never --cap or SET_CAP_*; and of them only
      // cap_net_bind_service is worth giving to everybody in the container.
      if !need.listeners.isEmpty, !isHeld, need.capability == .netBindService {
        let name = engineName(need.capability)
        ways.append(
          "in the image: setcap cap_net_bind_service=p on entrypoint's own file"
            + (isInBounding
              ? ""
              : ", and docker run --cap-add \(name); Kubernetes: capabilities.add: [\"\(name)\"]")
            + (start.noNewPrivileges ? "; with podman, without no-new-privileges" : ""))
      }
    }
    if refusal != nil, let carried = file.capabilitiesHonoredAtExec {
      let name = names.name(of: need.capability)
      let exactly =
        carried.permitted.contains(need.capability) ? "setcap \(name)=ep \(file.path), or " : ""
      ways.append("in the image: \(exactly)setcap -r \(file.path)")
    }
    if isHeld, request.mode != .auto {
      let mode = ByteString(request.mode.rawValue)
      ways.append("leave out \(setting("--cap-mode", "ENTRYPOINT_CAP_MODE", mode))")
    }
    if case .refused(let write)? = refusal, let wayOut = write.wayOut { ways.append(wayOut) }
    if isRoot, isHeld, refusal == .noSetfcap, request.mode == .file {
      ways += EngineFlags.adding(["SETFCAP"])
    }
    if !need.requests.isEmpty {
      ways.append("leave out \(need.requests.map { $0.description }.joined(separator: " and "))")
    }
    return ways
  }

  private func engineName(_ capability: Capability) -> String {
    EngineFlags.name(names.name(of: capability))
  }

  /// How a start as root comes to run the command as the user that this process is.
  private var dropOfRoot: String {
    let user = host.currentUser
    if request.user == nil, !request.isDockerStart || user.name != "kong" {
      return "with ENTRYPOINT_USER=\(user.uid) entrypoint drops to that user itself"
    }
    return "entrypoint drops to the user \(request.user?.text ?? "kong") itself"
  }

  /// The ways to listen that need no capability.
  func portWaysOut(_ need: Need) -> [String] {
    guard need.capability == .netBindService, !need.listeners.isEmpty else { return [] }
    let ports = Set(need.listeners.compactMap { $0.port }).sorted()
    let lowest = ports.first ?? 0
    var ways: [String] = []
    if host.ownsNetwork {
      ways.append(
        "docker run --sysctl net.ipv4.ip_unprivileged_port_start=\(lowest); Kubernetes:"
          + " securityContext.sysctls with the same name (neither with the host's network)")
    }
    ways.append(
      "listen on \(host.unprivilegedPortStart) or above and map the port (not with the host's network):"
        + " docker run -p \(lowest):8000, or a Kubernetes Service")
    return ways
  }

  /// The ways to a file that does not stand in the way of an `nginx -t`.
  var waysPastShell: [String] {
    let leaveOut =
      start.noNewPrivileges
      ? "start without --security-opt no-new-privileges (Kubernetes: allowPrivilegeEscalation: true)"
      : "leave out \(setting("--no-new-privs", "ENTRYPOINT_NO_NEW_PRIVS", "on"))"
    return ["take it off in the image: setcap -r \(file.path)", leaveOut]
  }

  /// The variable where it says so, else the option, which beats it.
  func setting(_ option: String, _ variable: String, _ value: ByteString) -> String {
    let isVariable =
      request.environment.nonEmpty(variable)?.description.lowercased()
      == value.description.lowercased()
    return isVariable ? "\(variable)=\(value)" : "\(option) \(value)"
  }
}
