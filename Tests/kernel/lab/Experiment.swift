import Capabilities
import Plan

/// One question to the kernel.
///
/// Which credentials does a thread have that starts with these, takes these steps, and execs this
/// file?
struct Experiment {
  var start: Credentials
  var steps: [Step] = []
  var program = Program()
}

/// The properties of the probe's file that an exec uses.
struct Program {
  /// Its `security.capability` attribute: version 3 if it has a root id, otherwise version 2.
  var attribute: FileCapabilities?
  var isOnNosuidMount = false

  /// The part of the attribute that the kernel honours in the initial user namespace.
  var countingCapabilities: FileCapabilities? {
    guard let attribute, !isOnNosuidMount, (attribute.rootID ?? 0) == 0 else { return nil }
    return attribute
  }
}

/// What the kernel answered.
enum Answer {
  /// It refused the credentials to start with.
  case notSetUp(String)
  /// It refused a step.
  case stepFailed(String, start: Credentials)
  case exec(start: Credentials, beforeExec: Credentials, Outcome)
  /// The child ended without saying why.
  case lost(String)

  /// The result of the exec.
  enum Outcome: Equatable {
    case runs(Credentials, secureExecution: Bool, dumpable: Bool)
    case failed(errno: CInt)
  }
}
