import Kong
import Capabilities
import Nginx
import Text

extension Shortfall {
  /// The ways to a start in which `need` can be granted.
  func grantWaysOut(_ need: Need) -> [String] {
    let withoutRequest =
      need.requests.isEmpty
      ? [] : ["leave out \(need.requests.map { $0.description }.joined(separator: " and "))"]
    return waysToHold(need) + waysPastFile(need) + waysPastMode(need) + withoutRequest
  }

  /// The ways to a process that has the capability, where it counts.
  private func waysToHold(_ need: Need) -> [String] {
    let isHeld = start.permitted.contains(need.capability)
    if !host.ownsNetwork, let port = need.listeners.compactMap({ $0.port }).min() {
      return [
        "leave out --network host, or the user namespace (--userns, userns-remap)",
        "on the host: sysctl -w net.ipv4.ip_unprivileged_port_start=\(port)",
      ]
    }
    if !isRoot { return !isHeld || host.secureExecution ? waysOfUser(need) : [] }
    if !start.bounding.contains(need.capability) {
      return EngineFlags.adding([engineName(need.capability)])
    }
    return isHeld
      ? []
      : [
        "make entrypoint the image's ENTRYPOINT: the program that starts it here has given the"
          + " capability up"
      ]
  }

  /// The ways for a user other than root: a capability of entrypoint's own file, or a start as root.
  private func waysOfUser(_ need: Need) -> [String] {
    // What a start as root would miss here: for its drop, too, where the container began with nothing.
    let missing = CapabilitySet([need.capability, .chown, .setgid, .setuid, .setpcap])
      .subtracting(start.bounding)
    let short = missing.members.map(engineName)
    let flags = short.map { " --cap-add \($0)" }.joined(separator: "")
    let list = short.map { "\"\($0)\"" }.joined(separator: ", ")
    let add = short.isEmpty ? "" : ", capabilities.add: [\(list)]"
    // The user that root drops to; nil where that is so already.
    let variable = userOfRoot.map { " --env ENTRYPOINT_USER=\($0)" } ?? ""
    let env = userOfRoot.map { ", env ENTRYPOINT_USER=\($0)" } ?? ""
    let asRoot = [
      "docker run --user 0\(variable)\(flags): entrypoint drops to"
        + " \(userOfRoot == nil ? "the user \(request.user?.text ?? "kong")" : "that user") itself",
      "Kubernetes: runAsUser: 0\(env)\(add); allowPrivilegeEscalation can stay false",
    ]
    return (ownFileLimit(need)?.waysOut ?? []) + ownFileWays(need) + asRoot
  }

  /// The ways for a user to get the capability from entrypoint's own file.
  ///
  /// It serves listeners, never --cap or SET_CAP_*; and only cap_net_bind_service is worth giving to
  /// everybody in the container.
  private func ownFileWays(_ need: Need) -> [String] {
    guard !need.listeners.isEmpty, need.capability == .netBindService,
      !start.permitted.contains(need.capability)
    else { return [] }
    let name = engineName(need.capability)
    let adding = "docker run --cap-add \(name); Kubernetes: capabilities.add: [\"\(name)\"]"
    if host.ownFileBindsPorts {
      return [adding]
        + (start.noNewPrivileges ? ["Docker before 24.0.6: leave out no-new-privileges"] : [])
    }
    let isAdded = start.bounding.contains(need.capability) && !start.noNewPrivileges
    // Then the capability is ambient.
    let mode =
      request.mode == .file
      ? ", and leave out \(setting("--cap-mode", "ENTRYPOINT_CAP_MODE", "file"))" : ""
    return [
      "in the image: setcap cap_net_bind_service=p on entrypoint's own file\(mode)"
        + (isAdded ? "" : ", and \(adding)")
    ]
  }

  /// The ways past what the program's file carries.
  private func waysPastFile(_ need: Need) -> [String] {
    guard refusal != nil, let carried = file.capabilitiesHonoredAtExec else { return [] }
    let name = names.name(of: need.capability)
    let exactly =
      carried.permitted.contains(need.capability) ? "setcap \(name)=ep \(file.path), or " : ""
    return ["in the image: \(exactly)setcap -r \(file.path)"]
  }

  /// The ways past the mode that was asked for, and past what keeps the file from being written.
  private func waysPastMode(_ need: Need) -> [String] {
    let isHeld = start.permitted.contains(need.capability)
    var ways: [String] = []
    if isHeld, request.mode != .auto {
      let mode = ByteString(request.mode.rawValue)
      ways.append("leave out \(setting("--cap-mode", "ENTRYPOINT_CAP_MODE", mode))")
    }
    if case .refused(let write)? = refusal, let wayOut = write.wayOut { ways.append(wayOut) }
    if isHeld, refusal == .writableByOthers, request.mode == .file {
      ways.append(
        "in the image: let only root own and write \(file.path), and each directory above it")
    }
    if isRoot, isHeld, refusal == .noSetfcap, request.mode == .file {
      ways += EngineFlags.adding(["SETFCAP"])
    }
    return ways
  }

  private func engineName(_ capability: Capability) -> String {
    EngineFlags.name(names.name(of: capability))
  }

  /// The user that a start as root must be given, to run the command as the user that this process is; nil
  /// where root drops to that user anyway.
  private var userOfRoot: UInt32? {
    let user = host.currentUser
    return request.user == nil && (!request.isKong || user.name != "kong") ? user.uid : nil
  }

  /// The ways to listen that need no capability.
  func portWaysOut(_ need: Need) -> [String] {
    guard need.capability == .netBindService, !need.listeners.isEmpty else { return [] }
    let ports = Set(need.listeners.compactMap { $0.port }).sorted()
    let lowest = ports.first ?? 0
    var ways: [String] = []
    if host.isHostNetwork { return ways }
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
    return ["remove it in the image: setcap -r \(file.path)", leaveOut]
  }

  /// The variable where it says so, else the option, which beats it.
  func setting(_ option: String, _ variable: String, _ value: ByteString) -> String {
    let isVariable =
      request.environment.nonEmpty(variable)?.description.lowercased()
      == value.description.lowercased()
    return isVariable ? "\(variable)=\(value)" : "\(option) \(value)"
  }
}
