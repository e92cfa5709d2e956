import Capabilities
import Plan

/// One question to the kernel.
///
/// What has a thread that starts with these credentials, after these steps and an exec of this file?
struct Experiment {
  var start: Credentials
  var steps: [Step] = []
  var program = Program()
}

/// The probe's file, as far as an exec looks at it.
struct Program {
  /// Its `security.capability` attribute: the v3 form where it has a root id, else v2.
  var attribute: FileCapabilities?
  var isOnNosuidMount = false

  /// What of the attribute counts in the initial user namespace.
  var countingCapabilities: FileCapabilities? {
    guard let attribute, !isOnNosuidMount, (attribute.rootID ?? 0) == 0 else { return nil }
    return attribute
  }
}

/// What the kernel answered.
enum Answer {
  /// It refused to give the thread the credentials to start with.
  case notSetUp(String)
  /// It refused a step.
  case stepFailed(String, start: Credentials)
  case exec(start: Credentials, beforeExec: Credentials, Outcome)
  /// The child ended without having said how.
  case lost(String)

  /// How the exec went.
  enum Outcome: Equatable {
    case runs(Credentials, secureExecution: Bool, dumpable: Bool)
    case failed(errno: CInt)
  }
}
