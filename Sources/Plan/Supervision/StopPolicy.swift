package import Text

/// How a supervised command is stopped.
package struct StopPolicy: Equatable, Sendable {
  /// How long the command goes on between the signal that asks for the stop and its own.
  package var delay: TimeSpan
  /// How long after the signal that asks for it the command may take, until it gets TERM, and ``patience``
  /// later KILL; nil for as long as it wants.
  package var timeout: TimeSpan?
  /// What the command gets for TERM or QUIT; nil for the same signal.
  package var signal: Signal?
  /// Whether INT asks for a stop, too, and at once: the command gets TERM, which nginx takes for the same.
  package var stopsAtInterrupt: Bool

  /// What a process gets between TERM and KILL.
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
