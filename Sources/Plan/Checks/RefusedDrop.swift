import Capabilities
import Text

extension Basis {
  /// Why this process cannot become the user; nil where it can.
  ///
  /// - Parameter needed: all that a start as root needs, so that it does not end for the next capability;
  ///   nil where that is not known.
  func refusedDrop(needed: CapabilitySet?) -> StartFailure? {
    let lacking = lackingForDrop
    guard !lacking.isEmpty else { return nil }
    let names = host.capabilityNames
    var ways: [String] = []
    if isRoot {
      let missing = (needed ?? CapabilitySet(lacking)).subtracting(start.effective)
      ways += EngineFlags.adding(names.names(of: missing).map(EngineFlags.name))
      ways.append(
        "start the container as that user: docker run --user \(user.uid):\(user.gid), runAsUser:"
          + " \(user.uid)")
    } else {
      ways.append("start the container as root (docker run --user 0, runAsUser: 0)")
      if let asked = request.user {
        ways.append("leave out \(asked.origin.description): the user stays the same")
      }
    }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "cannot change to user \(user.description)",
      why: "uid \(start.user.effective) lacks"
        + " \(lacking.map(names.name(of:)).joined(separator: " and "))",
      waysOut: ways)
  }
}
