import Capabilities
import Kong
import Text

extension Shortfall {
  /// The variables that the program will not see because its capabilities come from its file;
  /// nothing if none is set.
  var ignoredVariables: [Explanation] {
    let variables = request.environment.ignoredInSecureExecution
    guard !variables.isEmpty else { return [] }
    let warning = Explanation(
      what: "\(file.path) will ignore \(variables.joined(separator: ", "))",
      why:
        "its file carries capabilities, so the kernel runs it in secure-execution mode, in which the"
        + " dynamic linker and the libraries ignore these variables (ld.so(8), secure_getenv(3))",
      waysOut: waysToAmbient + variables.compactMap(Shortfall.wayWithoutVariable)
        + ["unset what the program does not need"])
    return [warning]
  }

  /// The ways to capabilities without secure execution.
  private var waysToAmbient: [String] {
    if request.mode == .file {
      let mode = setting("--cap-mode", "ENTRYPOINT_CAP_MODE", "file")
      return ["leave out \(mode): with ambient capabilities, the variables count"]
    }
    guard file.capabilitiesHonoredAtExec != nil else { return [] }
    let takeOff = "remove the capabilities in the image: setcap -r \(file.path)"
    if isRoot { return [takeOff] }
    return [
      takeOff
        + "; and start as root (docker run --user 0, runAsUser: 0), or give entrypoint's own file"
        + " cap_net_bind_service=p, where a listener needs it"
    ]
  }

  /// Where the dynamic linker also looks in secure execution (ld.so(8)).
  private static func wayWithoutVariable(_ name: String) -> String? {
    switch name {
    case "LD_PRELOAD": "in the image: write the library's path into /etc/ld.so.preload"
    case "LD_LIBRARY_PATH":
      "in the image: write the directories into a file in /etc/ld.so.conf.d, and run ldconfig"
    default: nil
    }
  }
}
