package import Capabilities
package import Kong
import Text

/// The process that stays as the command's parent.
package struct Supervisor: Equatable, Sendable {
  /// How it stops the command.
  package var policy: StopPolicy
  /// How it gives up what it has, before the command runs.
  package var steps: [Step]
  /// What it does when the command runs.
  package var stepsBesideCommand: [Step] = [.closeDescriptors(keeping: [])]
  /// What it has then, for as long as it runs.
  package var credentials: Credentials
  /// The prefix in which it removes what a Kong that was killed has left; nil for another command.
  package var prefix: Prefix?
}
