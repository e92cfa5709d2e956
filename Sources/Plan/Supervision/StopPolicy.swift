package import Text

/// How a supervised command is stopped.
package struct StopPolicy: Equatable, Sendable {
  /// How long the command runs on after the signal to stop, before it gets its own stop signal.
  package var delay: TimeSpan
  /// How long the command may run after the signal to stop; nil for no limit.
  ///
  /// Then it gets TERM, and ``patience`` later KILL.
  package var timeout: TimeSpan?
  /// What the command gets for TERM or QUIT; nil for the same signal.
  package var signal: Signal?
  /// Whether INT stops the command at once: it gets TERM, which nginx treats like INT.
  package var stopsAtInterrupt: Bool

  /// The time between TERM and KILL.
  package static let patience = TimeSpan(milliseconds: 2000)

  package init(
    delay: TimeSpan = .zero, timeout: TimeSpan? = nil, signal: Signal? = nil,
    stopsAtInterrupt: Bool = false
  ) {
    self.delay = delay
    self.timeout = timeout
    self.signal = signal
    self.stopsAtInterrupt = stopsAtInterrupt
  }
}
