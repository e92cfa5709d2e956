/// Explains why something cannot be had here: the link of the chain that is missing, and the ways
/// out that exist in this situation.
struct Shortfall {
  var request: Request
  var host: HostSnapshot
  var file: ProgramFile
  /// Why the file cannot be given capabilities; nil where it can.
  var refusal: GrantChoice.WriteRefusal?

  private var names: CapabilityNames { host.capabilityNames }
  private var start: Credentials { host.credentials }
  private var isRoot: Bool { start.user.effective == 0 }

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
    case .netBindService: return "; nginx will say: bind() failed (13: Permission denied)"
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
    if host.secureExecution {
      return "this process has it from its own file, and hands that on only for listeners, only to"
        + " \(Request.defaultProxy), and only if nobody but root can write it"
        + (file.writableComponent.map { " (\($0) can be written)" } ?? "")
    }
    if !isHeld, !isRoot {
      let switched =
        "\(name) is in the bounding set only: the container's engine cleared it with the switch to"
        + " uid \(start.user.effective)"
      return start.noNewPrivileges
        ? switched + ", and under no_new_privs no file can give it" : switched
    }
    if !isHeld { return "\(name) is in the bounding set but not permitted to this process" }
    if let reason = modeReason { return reason }
    return "the kernel would not let \(file.path) have it"
  }

  private var modeReason: String? {
    if request.mode == .ambient || request.mode == .auto {
      if file.countingCapabilities != nil {
        return "\(file.path) carries file capabilities, which clear ambient ones at exec, and they"
          + " cannot be replaced: \(refusal.map(reason) ?? "they are left to the image")"
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
    }
  }

  private func grantWaysOut(_ need: Need) -> [String] {
    let short = Shortfall.engineName(names.name(of: need.capability))
    let isHeld = start.permitted.contains(need.capability)
    let isInBounding = start.bounding.contains(need.capability)
    var ways: [String] = []
    if !host.ownsNetwork, let port = need.listeners.compactMap(\.port).min() {
      ways.append("leave out --network host, or the user namespace (--userns, userns-remap)")
      ways.append("on the host: sysctl -w net.ipv4.ip_unprivileged_port_start=\(port)")
    } else if isRoot, !isInBounding {
      ways.append("docker run --cap-add \(short)")
      ways.append("Kubernetes: securityContext.capabilities.add: [\"\(short)\"]")
    } else if !isRoot, !isHeld {
      let user0 = isInBounding ? "" : " --cap-add \(short)"
      let add = isInBounding ? "" : " and capabilities.add: [\"\(short)\"]"
      ways.append("docker run --user 0\(user0): entrypoint drops to the user kong itself")
      ways.append("Kubernetes: runAsUser: 0\(add), likewise; it works without privilege escalation")
      // Which hands nothing on that somebody asked for by name.
      if !need.listeners.isEmpty {
        ways.append(
          "in the image: setcap cap_net_bind_service,cap_net_raw=p on entrypoint's own file"
            + (start.noNewPrivileges ? ", with allowPrivilegeEscalation: true" : ""))
      }
    }
    if isHeld, request.mode != .auto {
      ways.append("--cap-mode auto, or ENTRYPOINT_CAP_MODE=auto")
    }
    if isHeld, refusal == .noSetfcap, request.mode == .file {
      ways.append("docker run --cap-add SETFCAP")
    }
    if !need.requests.isEmpty {
      ways.append("leave out \(need.requests.joined(separator: " and "))")
    }
    return ways
  }

  /// The ways to listen that need no capability.
  private func portWaysOut(_ need: Need) -> [String] {
    guard need.capability == .netBindService, !need.listeners.isEmpty else { return [] }
    let ports = Set(need.listeners.compactMap(\.port)).sorted()
    let lowest = ports.first ?? 0
    var ways: [String] = []
    if host.ownsNetwork {
      ways.append(
        "docker run --sysctl net.ipv4.ip_unprivileged_port_start=\(lowest); Kubernetes:"
          + " securityContext.sysctls with the same name (neither with the host's network)")
    }
    ways.append(
      "listen on \(host.unprivilegedPortStart) or above and map the port: docker run -p"
        + " \(lowest):8000, or a Kubernetes Service")
    return ways
  }

  /// The program could not even be started without capabilities.
  var cannotStart: StartFailure {
    let carried = file.countingCapabilities?.permitted ?? []
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "\(file.path) cannot be started with the capabilities planned",
      why: "it carries \(names.text(of: carried)) as file capabilities, with which the kernel would"
        + " refuse the exec or give it more than planned, and they cannot be taken off: "
        + (refusal.map(reason) ?? "not even then it could be started"),
      waysOut: [
        "take them off in the image: setcap -r \(file.path)",
        "start as root with cap_setfcap, on a file system that can be written",
      ])
  }

  /// The user cannot be changed.
  static func cannotDrop(
    to target: TargetUser, lacking: [Capability], host: HostSnapshot, isDefault: Bool
  ) -> StartFailure {
    let names = lacking.map(host.capabilityNames.name(of:))
    let add = names.map { "--cap-add \(engineName($0))" }.joined(separator: " ")
    let list = names.map { "\"\(engineName($0))\"" }.joined(separator: ", ")
    var ways: [String] = []
    if host.credentials.user.effective == 0 {
      ways.append("docker run \(add)")
      ways.append("Kubernetes: securityContext.capabilities.add: [\(list)]")
      ways.append("start the container as that user (docker run --user, runAsUser)")
    } else {
      ways.append("start the container as root (docker run --user 0, runAsUser: 0)")
      if !isDefault { ways.append("leave out --user and ENTRYPOINT_USER: the user stays the same") }
    }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "cannot change to user \(target.description)",
      why: "uid \(host.credentials.user.effective) lacks \(names.joined(separator: " and "))",
      waysOut: ways)
  }

  /// A capability as docker and Kubernetes write it: "NET_RAW".
  static func engineName(_ name: String) -> String {
    (name.hasPrefix("cap_") ? String(name.dropFirst(4)) : name).uppercased()
  }
}

extension Need {
  /// The reasons in a few words: the first three, and how many more.
  public var summary: String {
    let shown = reasonsPrefix(3)
    let more = listeners.count + requests.count - shown.count
    let text = shown.joined(separator: ", ")
    return more > 0 ? "\(text) and \(more) more" : text
  }

  fileprivate var verb: String {
    let isOne = listeners.count + requests.count == 1
    return listeners.isEmpty ? (isOne ? "asks for" : "ask for") : (isOne ? "needs" : "need")
  }

  private func reasonsPrefix(_ count: Int) -> [String] {
    (listeners.prefix(count).map(\.description) + requests).prefix(count).map { $0 }
  }
}
