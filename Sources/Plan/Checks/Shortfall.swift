import Nginx
import Kong
import Capabilities
import Text

/// Explains why something cannot be had here: the link of the chain that is missing, and the ways
/// out that exist in this situation.
package struct Shortfall {
  var request: Request
  var host: HostSnapshot
  var file: ProgramFile
  /// Why the file cannot be given capabilities; nil where it can.
  var refusal: GrantChoice.WriteRefusal?

  private var names: CapabilityNames { host.capabilityNames }
  private var start: Credentials { host.credentials }
  private var isRoot: Bool { start.user.effective == 0 }

  /// Why a `kong` command could not bind a listener, though nginx perhaps could.
  func explainForKong(_ need: Need) -> Explanation {
    var explanation = explain(need)
    if let reason = shellReason(need) {
      explanation.why = reason
      explanation.waysOut = waysPastShell + portWaysOut(need)
    }
    if request.isDockerStart { return explanation }
    if !isRoot {
      explanation.waysOut.insert(
        "run it as root: docker exec --user 0 CONTAINER entrypoint \(request.kongCommand);"
          + " entrypoint drops to the user kong itself", at: 0)
    }
    return explanation
  }

  /// Why a file that carries the capability does not give it to the nginx that `kong` starts through a
  /// shell; nil where that is not the reason.
  private func shellReason(_ need: Need) -> String? {
    guard file.countingCapabilities?.permitted.contains(need.capability) == true,
      start.bounding.contains(need.capability), need.forbiddenBy == nil, host.ownsNetwork,
      start.noNewPrivileges || request.noNewPrivileges == true
    else { return nil }
    return
      "\(file.path) carries it as a file capability, which clears ambient ones at exec; and kong"
      + " starts its nginx -t through a shell, behind which no_new_privs makes the file's void."
      + " It cannot be taken off here: "
      + (refusal.map(reason) ?? "only a start as root does that")
  }

  private var waysPastShell: [String] {
    let leaveOut =
      start.noNewPrivileges
      ? "start without --security-opt no-new-privileges (Kubernetes: allowPrivilegeEscalation: true)"
      : "leave out \(setting("--no-new-privs", "ENTRYPOINT_NO_NEW_PRIVS", "on"))"
    return ["take it off in the image: setcap -r \(file.path)", leaveOut]
  }

  /// Why `need` is not granted.
  func explain(_ need: Need) -> Explanation {
    let name = names.name(of: need.capability)
    let what = "\(name) is not granted, though \(need.summary) \(need.verb) it\(consequence(need))"
    if let variable = need.forbiddenBy {
      return Explanation(
        what: what, why: "\(variable) forbids it",
        waysOut: ["unset \(variable)"] + portWaysOut(need))
    }
    let why = missingLink(need)
    return Explanation(
      what: what, why: why, waysOut: grantWaysOut(need) + portWaysOut(need))
  }

  private func consequence(_ need: Need) -> String {
    guard !need.listeners.isEmpty else { return "" }
    switch need.capability {
    case .netBindService: return "; its bind() would fail (13: Permission denied)"
    case .netRaw:
      return "; nginx will say: setsockopt(IP_TRANSPARENT) failed (1: Operation not permitted)"
    default: return ""
    }
  }

  /// The first link that is missing between this process and the command.
  private func missingLink(_ need: Need) -> String {
    let capability = need.capability
    let name = names.name(of: capability)
    let inBounding = start.bounding.contains(capability)
    let isHeld = start.permitted.contains(capability)
    if !inBounding, !isHeld {
      return "\(name) is not in the bounding set: the container was started without it,"
        + " and nothing in it can bring it back"
    }
    if !host.ownsNetwork, !need.listeners.isEmpty {
      return "the network namespace belongs to another user namespace, the host's: capabilities of"
        + " this container do not count there"
    }
    if let limit = ownFileLimit(need) {
      return "this process has it from its own file, of which it hands on only \(limit.condition)"
    }
    if let carried = file.countingCapabilities?.permitted, carried.contains(capability),
      refusal != nil, carried != CapabilitySet(capability)
    {
      return
        "\(file.path) carries \(names.text(of: carried)) as file capabilities: with these nginx would have"
        + " more than its listeners need, and they cannot be replaced: \(refusal.map(reason) ?? "")"
    }
    if !isHeld, !isRoot {
      return
        "\(name) is in the bounding set only: at an exec as uid \(start.user.effective) it is lost,"
        + " unless the file carries it"
        + (start.noNewPrivileges
          ? "; and under no_new_privs that counts only where the engine leaves it permitted until then, as"
            + " Docker and containerd do, and podman does not"
          : ", and entrypoint's does not")
    }
    if !isHeld { return "\(name) is in the bounding set but not permitted to this process" }
    if let reason = modeReason { return reason }
    return "the kernel would not let \(file.path) have it"
  }

  /// The first condition of ``LaunchPlanner/ofOwnFile(_:)`` that is not met, and the way to meet it.
  private func ownFileLimit(_ need: Need) -> (condition: String, waysOut: [String])? {
    guard host.secureExecution else { return nil }
    // What was asked for by name can be left out, which is said of all such needs.
    guard request.isDockerStart || request.runsKong, !need.listeners.isEmpty else {
      return ("what listeners of Kong's need", [])
    }
    if request.proxy != Request.defaultProxy {
      let setting = setting("--proxy", "ENTRYPOINT_PROXY", request.proxy)
      return ("to \(Request.defaultProxy)", ["leave out \(setting)"])
    }
    if need.capability == .netBindService { return nil }
    return ("cap_net_bind_service: everybody in the container can start this program", [])
  }

  /// The variable where it says so, else the option, which beats it.
  func setting(_ option: String, _ variable: String, _ value: ByteString) -> String {
    let isVariable =
      request.environment.nonEmpty(variable)?.description.lowercased()
      == value.description.lowercased()
    return isVariable ? "\(variable)=\(value)" : "\(option) \(value)"
  }

  private var modeReason: String? {
    if request.mode == .ambient || request.mode == .auto {
      if file.countingCapabilities != nil {
        return "\(file.path) carries file capabilities, which clear ambient ones at exec, and they"
          + " cannot be replaced: \(refusal.map(reason) ?? "they are left to the image")"
      }
      if !start.canHaveAmbient {
        return "this kernel has no ambient capabilities: it is gVisor's, or older than Linux 4.3"
          + (refusal.map { "; and \(file.path) cannot be given file capabilities: \(reason($0))" }
            ?? "")
      }
      if start.securebits.contains(.noAmbientRaise) {
        return "the securebit no_cap_ambient_raise forbids ambient capabilities"
      }
    }
    return refusal.map { "\(file.path) cannot be given file capabilities: \(reason($0))" }
  }

  private func reason(_ refusal: GrantChoice.WriteRefusal) -> String {
    switch refusal {
    case .notTheProxy:
      "only the proxy of \"kong docker-start\", started as root, is given them: on any other program"
        + " they would be everybody's"
    case .script: "it is a script, and the kernel ignores file capabilities on those"
    case .writableByOthers:
      "others than root can write \(file.writableComponent ?? file.path), so they could put another"
        + " program in its place"
    case .noSetfcap: "this process lacks cap_setfcap"
    case .readOnly: "its file system is mounted read-only"
    case .noAttributes: "its file system has no extended attributes"
    case .noSetID: "its mount is nosuid, so the kernel ignores them"
    case .refused(let write): write.why
    }
  }

  private func grantWaysOut(_ need: Need) -> [String] {
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
      ways += Shortfall.add([engineName(need.capability)])
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
    if refusal != nil, let carried = file.countingCapabilities {
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
      ways += Shortfall.add(["SETFCAP"])
    }
    if !need.requests.isEmpty {
      ways.append("leave out \(need.requests.joined(separator: " and "))")
    }
    return ways
  }

  private func engineName(_ capability: Capability) -> String {
    Shortfall.engineName(names.name(of: capability))
  }

  /// How a start as root comes to run the command as the user that this process is.
  private var dropOfRoot: String {
    let user = host.currentUser
    if request.user == nil, !request.isDockerStart || user.name != "kong" {
      return "with ENTRYPOINT_USER=\(user.uid) entrypoint drops to that user itself"
    }
    return "entrypoint drops to the user \(request.user ?? "kong") itself"
  }

  /// The ways to listen that need no capability.
  private func portWaysOut(_ need: Need) -> [String] {
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

  /// The program could not even be started without capabilities.
  var cannotStart: StartFailure {
    let carried = file.countingCapabilities?.permitted ?? []
    let missing = carried.subtracting(start.bounding)
    var ways: [String] = []
    if !missing.isEmpty {
      ways += Shortfall.add(names.names(of: missing).map(Shortfall.engineName))
    }
    if request.noNewPrivileges == false {
      ways.append("leave out \(setting("--no-new-privs", "ENTRYPOINT_NO_NEW_PRIVS", "off"))")
    }
    ways.append("take them off in the image: setcap -r \(file.path)")
    if !isRoot, !request.isDockerStart || request.user == nil {
      ways.append("start as root (docker run --user 0, runAsUser: 0), which takes them off")
    } else if isRoot, refusal == .noSetfcap {
      ways += Shortfall.add(["SETFCAP"])
    }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "\(file.path) cannot be started with the capabilities planned",
      why: "it carries \(names.text(of: carried)) as file capabilities, "
        + (missing.isEmpty
          ? "which are not needed, and the kernel would give them"
          : "and the kernel refuses the exec: \(names.text(of: missing)) is not in the bounding set")
        + "; they cannot be taken off: "
        + (refusal.map(reason) ?? "even then it could not be started"),
      waysOut: ways)
  }

  /// The user cannot be changed.
  static func cannotDrop(
    to target: TargetUser, lacking: [Capability], host: HostSnapshot, request: Request
  ) -> StartFailure {
    let names = host.capabilityNames
    var ways: [String] = []
    if host.credentials.user.effective == 0 {
      // All that the start needs and has not, so that it does not end for the next one.
      let least = try? LeastPrivileges(request: request, snapshot: host)
      let needed = least?.capabilities ?? CapabilitySet(lacking)
      let missing = needed.subtracting(host.credentials.effective)
      ways += add(names.names(of: missing).map(engineName))
      ways.append("start the container as that user (docker run --user, runAsUser)")
    } else {
      ways.append("start the container as root (docker run --user 0, runAsUser: 0)")
      if request.user != nil {
        ways.append("leave out --user and ENTRYPOINT_USER: the user stays the same")
      }
    }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "cannot change to user \(target.description)",
      why: "uid \(host.credentials.user.effective) lacks"
        + " \(lacking.map(names.name(of:)).joined(separator: " and "))",
      waysOut: ways)
  }

  /// The ways to a container that has these, too.
  static func add(_ names: [String]) -> [String] {
    [
      "docker run " + names.map { "--cap-add \($0)" }.joined(separator: " "),
      "Kubernetes: securityContext.capabilities.add: ["
        + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]",
    ]
  }

  /// A capability as docker and Kubernetes write it: "NET_RAW".
  package static func engineName(_ name: String) -> String {
    (name.hasPrefix("cap_") ? String(name.dropFirst(4)) : name).uppercased()
  }
}
