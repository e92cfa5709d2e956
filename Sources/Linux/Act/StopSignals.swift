import Plan

/// The signals that ask a container to stop, while a child runs.
///
/// At any other time of a start a handler ends the process with 128 + signal; it is there from the
/// first instruction on (Sources/Start). While a child runs the signals are blocked instead, and taken one
/// by one, because the end has to wait for that of the child.
struct StopSignals {
  private static let all: [Signal] = [.terminate, .interrupt, .quit, .hangUp]

  /// The signals to wait for: SIGCHLD, and those that stop this start.
  private let awaited: SignalSet
  /// The mask to go back to, and to give to children.
  private let originalMask: SignalSet

  /// Blocks the stop signals and SIGCHLD.
  ///
  /// - Throws: ``SystemCallFailure`` where they cannot be blocked: then they could not be waited for.
  init() throws(SystemCallFailure) {
    // A blocked signal is kept even if it is ignored: a HUP that whoever started us ignores (nohup(1))
    // would stop the start after all.
    awaited = SignalSet([.childEnded] + StopSignals.all.filter { !$0.isIgnored })
    originalMask = try awaited.block()
  }

  /// Those that stop a start.
  static var notIgnored: SignalSet { SignalSet(all.filter { !$0.isIgnored }) }

  /// Waits for one of the blocked signals.
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Returns: nil when the time is over, or after an interruption.
  /// - Throws: ``SystemCallFailure`` where the kernel does not let this process wait.
  func next(until deadline: MonotonicTime?) throws(SystemCallFailure) -> Signal? {
    try awaited.wait(until: deadline)
  }

  /// A stop signal that has arrived and was not taken yet.
  func pendingStop() throws(SystemCallFailure) -> Signal? {
    let past = MonotonicTime.now
    while let signal = try next(until: past) {
      if signal != .childEnded { return signal }
    }
    return nil
  }

  /// Goes back to the mask that was there before.
  ///
  /// - Throws: ``SystemCallFailure`` where signals stay blocked: what is exec'd could not be stopped.
  func unblock() throws(SystemCallFailure) {
    try originalMask.restore()
  }
}
