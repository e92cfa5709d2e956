package import Report
package import Text
import CLinux

/// Messages on standard error.
///
/// No value of the environment gets here unless it is part of a plan, so no secret can be printed.
package struct Log: Sendable {
  private let level: LogLevel
  private let format: LogFormat

  /// - Parameter level: the least severe level that is written.
  package init(level: LogLevel, format: LogFormat) {
    self.level = level
    self.format = format
  }

  /// Why the start ends.
  ///
  /// Silent if the failed child has already reported it.
  package func failure(_ failure: StartFailure) {
    if let explanation = failure.explanation { write(.error, explanation) }
  }

  /// The cause of a failure.
  package func error(_ explanation: Explanation) {
    write(.error, explanation)
  }

  /// Something that differs from what was asked.
  package func warning(_ explanation: Explanation) {
    write(.warn, explanation)
  }

  /// What was granted.
  package func info(_ text: String) {
    write(.info, Explanation(what: text, why: "", waysOut: []))
  }

  /// Each step.
  package func debug(_ text: @autoclosure () -> String) {
    if level >= .debug { write(.debug, Explanation(what: text(), why: "", waysOut: [])) }
  }

  private func write(_ messageLevel: LogLevel, _ explanation: Explanation) {
    guard messageLevel <= level else { return }
    // One write, so that lines of other processes do not come between.
    var rest = Array(format.text(messageLevel, explanation).utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe CLinux.write(STDERR_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0 {
        let reason = Errno.last
        if reason == .interrupted { continue }
        if reason == .resourceTemporarilyUnavailable, isWritableAgain() { continue }
      }
      // If standard error is closed, there is nowhere to report that.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Waits at most a second: another process may have made the stream non-blocking, and filled it
  /// (poll(2)).
  private func isWritableAgain() -> Bool {
    var stream = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&stream, 1, 1000) > 0
  }
}
