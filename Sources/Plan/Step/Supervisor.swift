package import Capabilities
package import Kong
import Text

/// The process that stays as the command's parent.
package struct Supervisor: Equatable, Sendable {
  /// How it stops the command.
  package var policy: StopPolicy
  /// The changes by which it gives up its privileges, before the command runs.
  package var steps: [Step]
  /// What it does when the command runs.
  package var stepsBesideCommand: [Step] = [.closeDescriptors(keeping: [])]
  /// Its credentials from then on.
  package var credentials: Credentials
  /// The prefix in which it removes the pid file and sockets of a killed nginx; nil for other commands.
  package var prefix: Prefix?
}
