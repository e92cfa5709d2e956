import Capabilities
import Text

/// What a plan is based on: what is asked, what the machine is like, and the user that both name.
///
/// A class, because all parts of the planner hold it: it has a kilobyte, and each copy of a value would
/// count its references and touch new pages of the stack.
final class Basis: Sendable {
  let request: Request
  let host: HostSnapshot
  /// The user to become; nil to stay.
  let target: TargetUser?
  /// The user that the command runs as.
  let user: TargetUser

  /// Looks the user up.
  ///
  /// - Throws: ``StartFailure`` for a user that does not exist.
  init(_ request: Request, _ host: HostSnapshot) throws(StartFailure) {
    self.request = request
    self.host = host
    target = try host.dropTarget(for: request)
    user = target ?? host.currentUser
  }

  /// Who this process is.
  var start: Credentials { host.credentials }

  /// Whether root starts the command.
  var isRoot: Bool { start.user.effective == 0 }

  /// Whether the command runs as another user than this process.
  var isDrop: Bool { user.uid != start.user.effective }

  /// Whether this process can use a capability.
  func has(_ capability: Capability) -> Bool { start.effective.contains(capability) }

  /// What this process lacks to become the user.
  var lackingForDrop: [Capability] {
    guard let target else { return [] }
    var lacking: [Capability] = []
    if start.group != ProcessIDs(target.gid) || start.groups != target.groups, !has(.setgid) {
      lacking.append(.setgid)
    }
    if start.user != ProcessIDs(target.uid), !has(.setuid) { lacking.append(.setuid) }
    return lacking
  }
}
