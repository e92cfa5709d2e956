/// What a person needs to know when something fails: what, why, and each way out.
package struct Explanation: Equatable, Sendable {
  /// What failed or will fail, with the path, the listener or the variable.
  package var what: String
  /// Why: the kernel's or Kong's rule, in words.
  package var why: String
  /// What the reader can do about it, the best first.
  package var waysOut: [String]

  /// Creates an explanation from its three parts, each a phrase without a full stop.
  ///
  /// Long parts are cut: text quoted from a file could fill a disk with logs.
  package init(what: String, why: String, waysOut: [String]) {
    self.what = Explanation.cut(what)
    self.why = Explanation.cut(why)
    self.waysOut = waysOut.map(Explanation.cut)
  }

  /// In bytes.
  private static let limit = 2000

  private static func cut(_ text: String) -> String {
    guard text.utf8.count > limit else { return text }
    return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "..."
  }
}

/// Why a start ends before the proxy runs.
package struct StartFailure: Error, Equatable, Sendable {
  /// The process's exit status, one of ``ExitStatus`` or a child's own.
  package var status: Int32
  /// Nil where the child that failed has spoken for itself.
  package var explanation: Explanation?

  /// A failure with its explanation; without one, another program has reported it already.
  package init(status: Int32, explanation: Explanation? = nil) {
    self.status = status
    self.explanation = explanation
  }

  /// A failure with the parts of its explanation.
  package init(status: Int32, what: String, why: String, waysOut: [String]) {
    self.init(
      status: status, explanation: Explanation(what: what, why: why, waysOut: waysOut))
  }
}

/// The exit statuses that have a meaning of their own (sysexits.h, and POSIX's for a shell).
package enum ExitStatus {
  /// Kong does not serve: what Docker documents for an unhealthy container.
  package static let unhealthy: Int32 = 1
  /// Wrong options.
  package static let usage: Int32 = 64
  /// A service that was waited for did not answer in time (EX_UNAVAILABLE): unlike after
  /// ``configuration``, the same start can succeed later.
  package static let unavailable: Int32 = 69
  /// A plan that cannot succeed here, or a refused system call.
  package static let notPermitted: Int32 = 77
  /// Wrong configuration.
  package static let configuration: Int32 = 78
  /// The command is there and cannot be executed.
  package static let notExecutable: Int32 = 126
  /// The command does not exist.
  package static let notFound: Int32 = 127
  /// The start was ended by a signal.
  package static func signal(_ number: Int32) -> Int32 { 128 + number }
}
