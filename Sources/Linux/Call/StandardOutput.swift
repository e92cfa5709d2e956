package import Text
import CLinux

/// Where a dry run prints its plan.
package enum StandardOutput {
  /// Whether it is a terminal (isatty(3)).
  package static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Writes the whole text.
  ///
  /// - Throws: ``StartFailure`` if it cannot be written, for example to a full disk: half a plan is useless.
  package static func write(_ text: String) throws(StartFailure) {
    do throws(Errno) {
      try writeAll(Array(text.utf8), to: STDOUT_FILENO)
    } catch {
      throw StartFailure(
        status: ExitStatus.notPermitted, what: "standard output cannot be written",
        why: "\(error)", waysOut: ["redirect it to a file system with space"])
    }
  }
}
