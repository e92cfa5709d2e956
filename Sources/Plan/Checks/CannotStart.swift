import Capabilities
import Text

extension Shortfall {
  /// The program could not even be started without capabilities.
  var cannotStart: StartFailure {
    let carried = file.capabilitiesHonoredAtExec?.permitted ?? []
    let missing = carried.subtracting(start.bounding)
    var ways: [String] = []
    if !missing.isEmpty {
      ways += EngineFlags.adding(names.names(of: missing).map(EngineFlags.name))
    }
    if request.noNewPrivileges == false {
      ways.append("leave out \(setting("--no-new-privs", "ENTRYPOINT_NO_NEW_PRIVS", "off"))")
    }
    ways.append("remove them in the image: setcap -r \(file.path)")
    if !isRoot, !request.isDockerStart || request.user == nil {
      ways.append("start as root (docker run --user 0, runAsUser: 0), which removes them")
    } else if isRoot, refusal == .noSetfcap {
      ways += EngineFlags.adding(["SETFCAP"])
    }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "\(file.path) cannot be started with the planned capabilities",
      why: "it carries \(names.text(of: carried)) as file capabilities, "
        + (missing.isEmpty
          ? "which are not needed, but the kernel would grant them"
          : "and the kernel refuses the exec: \(names.text(of: missing)) is not in the bounding set")
        + "; they cannot be removed: "
        + (refusalReason ?? "it could not be started without them either"),
      waysOut: ways)
  }
}
