package import Text
import CLinux

/// Where a dry run prints its plan.
package enum StandardOutput {
  /// Whether somebody is looking (isatty(3)).
  package static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Writes the whole text: half a plan is no plan.
  ///
  /// - Throws: ``StartFailure`` where it cannot be written, as on a full disk.
  package static func write(_ text: String) throws(StartFailure) {
    do throws(Errno) {
      try writeAll(Array(text.utf8), to: STDOUT_FILENO)
    } catch {
      throw StartFailure(
        status: ExitStatus.notPermitted, what: "standard output cannot be written",
        why: "\(error)", waysOut: ["redirect it to where there is room"])
    }
  }
}
