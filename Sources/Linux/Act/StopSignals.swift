import Plan

/// The signals that ask a container to stop, while a child runs.
///
/// At any other time a handler, set by the first instruction (Sources/Start), ends the process with
/// 128 + signal. While a child runs, the signals are blocked and taken one by one instead, because the
/// start has to end after the child.
struct StopSignals {
  private static let all: [Signal] = [.terminate, .interrupt, .quit, .hangUp]

  /// The signals to wait for: SIGCHLD, and those that stop this start.
  private let awaited: SignalSet
  /// The mask to restore, also in children.
  private let originalMask: SignalSet

  /// Blocks the stop signals and SIGCHLD.
  ///
  /// - Throws: ``SystemCallFailure`` if they cannot be blocked: then they could not be waited for.
  init() throws(SystemCallFailure) {
    // A blocked signal stays pending even if it is ignored: a HUP that nohup(1) made us ignore would stop
    // the start.
    awaited = SignalSet([.childEnded] + StopSignals.all.filter { !$0.isIgnored })
    originalMask = try awaited.block()
  }

  /// Those that stop a start.
  static var notIgnored: SignalSet { SignalSet(all.filter { !$0.isIgnored }) }

  /// Waits for one of the blocked signals.
  ///
  /// - Parameter deadline: nil for no limit.
  /// - Returns: nil after the deadline, or after an interruption.
  /// - Throws: ``SystemCallFailure`` if the kernel refuses the wait.
  func next(until deadline: MonotonicTime?) throws(SystemCallFailure) -> Signal? {
    try awaited.wait(until: deadline)
  }

  /// A stop signal that is pending, if any.
  func pendingStop() throws(SystemCallFailure) -> Signal? {
    let past = MonotonicTime.now
    while let signal = try next(until: past) {
      if signal != .childEnded { return signal }
    }
    return nil
  }

  /// Restores the mask.
  ///
  /// - Throws: ``SystemCallFailure`` if signals stay blocked: then the command could not be stopped.
  func unblock() throws(SystemCallFailure) {
    try originalMask.restore()
  }
}
