package import Text

/// A change of a file's capabilities that the kernel refused, though no known fact predicted it.
///
/// Only the attempt can show it. The planner is then asked again, with this fact.
package struct RefusedWrite: Equatable, Sendable {
  /// What could not be done, with the file.
  package var what: String
  /// Why: the kernel's reason, in words.
  package var why: String
  /// What makes the write work; nil where nothing is known.
  package var wayOut: String?

  /// Describes a write that was refused.
  package init(what: String, why: String, wayOut: String?) {
    self.what = what
    self.why = why
    self.wayOut = wayOut
  }

  /// The refusal as the end of a start, where there is no other way to try.
  package var failure: StartFailure {
    StartFailure(
      status: ExitStatus.notPermitted, what: what, why: why, waysOut: wayOut.map { [$0] } ?? [])
  }
}
