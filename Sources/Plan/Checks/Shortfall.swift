import Nginx
import Kong
import Capabilities
import Text

/// Explains why something cannot be had here: the link of the chain that is missing, and the ways
/// out that exist in this situation.
struct Shortfall {
  let basis: Basis
  /// The program that something is to be granted to.
  let file: ProgramFile
  /// Why the file cannot be given capabilities; nil where it can.
  let refusal: WriteRefusal?

  init(_ basis: Basis, file: ProgramFile) {
    self.basis = basis
    self.file = file
    refusal = WriteRefusal(to: file, on: basis)
  }

  var request: Request { basis.request }
  var host: HostSnapshot { basis.host }
  var names: CapabilityNames { host.capabilityNames }
  var start: Credentials { basis.start }
  var isRoot: Bool { basis.isRoot }
  /// ``refusal`` in words.
  var refusalReason: String? { refusal?.reason(for: file) }

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
    guard file.capabilitiesHonoredAtExec?.permitted.contains(need.capability) == true,
      start.bounding.contains(need.capability), need.forbiddenBy == nil, host.ownsNetwork,
      start.noNewPrivileges || request.noNewPrivileges == true
    else { return nil }
    return
      "\(file.path) carries it as a file capability, which clears ambient capabilities at exec;"
      + " kong starts nginx -t through a shell, and then no_new_privs makes the file's capabilities"
      + " void. It cannot be removed here: "
      + (refusalReason ?? "only a start as root removes it")
  }

  /// Why `need` is not granted.
  func explain(_ need: Need) -> Explanation {
    let name = names.name(of: need.capability)
    let what = "\(name) is not granted, though \(need.summary) \(need.verb) it\(consequence(need))"
    if let variable = need.forbiddenBy?.description {
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
      return "this process has it from its own file, and passes on only \(limit.condition)"
    }
    if let carried = file.capabilitiesHonoredAtExec?.permitted, carried.contains(capability),
      refusal != nil, carried != CapabilitySet(capability)
    {
      return
        "\(file.path) carries \(names.text(of: carried)) as file capabilities: with these nginx would have"
        + " more than its listeners need, and they cannot be replaced: \(refusalReason ?? "")"
    }
    if !isHeld, !isRoot {
      return
        "\(name) is only in the bounding set: an exec as uid \(start.user.effective) loses it, unless the"
        + " program's file carries it" + whyOwnFileFails
    }
    if !isHeld { return "\(name) is in the bounding set, but this process does not hold it" }
    if let reason = modeReason { return reason }
    return "the kernel would not give it to \(file.path)"
  }

  private var whyOwnFileFails: String {
    guard host.ownFileBindsPorts else { return ", which entrypoint's does not" }
    return start.noNewPrivileges
      ? "; entrypoint's does, but under no_new_privs that counts only if the engine leaves the capability"
        + " permitted until the exec. Docker since 24.0.6 and containerd do, podman only with --cap-add"
      : "; entrypoint's does, but a process that is traced cannot gain it"
  }

  /// The first condition of ``LaunchPlanner/ofOwnFile(_:)`` that is not met, and the way to meet it.
  func ownFileLimit(_ need: Need) -> (condition: String, waysOut: [String])? {
    guard host.secureExecution else { return nil }
    // What was asked for by name can be left out, which is said of all such needs.
    guard request.role != .otherCommand, !need.listeners.isEmpty else {
      return ("what Kong's listeners need", [])
    }
    if request.proxy != Request.defaultProxy {
      let setting = setting("--proxy", "ENTRYPOINT_PROXY", request.proxy)
      return ("to \(Request.defaultProxy)", ["leave out \(setting)"])
    }
    if need.capability == .netBindService { return nil }
    return ("cap_net_bind_service: everybody in the container can start this program", [])
  }

  private var modeReason: String? {
    if request.mode == .ambient || request.mode == .auto {
      if file.capabilitiesHonoredAtExec != nil {
        return "\(file.path) carries file capabilities, which clear ambient capabilities at exec,"
          + " and they cannot be replaced: \(refusalReason ?? "they are left to the image")"
      }
      if !start.canHaveAmbient {
        return "this kernel has no ambient capabilities: it is gVisor's, or older than Linux 4.3"
          + (refusalReason.map { "; and \(file.path) cannot be given file capabilities: \($0)" }
            ?? "")
      }
      if start.securebits.contains(.noAmbientRaise) {
        return "the securebit no_cap_ambient_raise forbids ambient capabilities"
      }
    }
    return refusalReason.map { "\(file.path) cannot be given file capabilities: \($0)" }
  }
}
