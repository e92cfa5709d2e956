import EntrypointPlan
import Glibc

/// The signals that ask a container to stop, while a child runs.
///
/// At any other time of a start a handler ends the process with 128 + signal; it is there from the
/// first instruction on (CExecve). While a child runs the signals are blocked instead, and taken one
/// by one, because the end has to wait for that of the child.
struct StopSignals {
  private static let numbers: [CInt] = [SIGTERM, SIGINT, SIGQUIT, SIGHUP]

  /// The signals to wait for: SIGCHLD, and those that stop this start.
  private let awaited: sigset_t
  /// The mask to go back to, and to give to children.
  private let originalMask: sigset_t

  /// Blocks the stop signals and SIGCHLD.
  init() {
    var mask = sigset_t()
    var original = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGCHLD)
    // A blocked signal is kept even if it is ignored: one that whoever started us ignores (nohup(1))
    // would stop the start after all.
    for number in StopSignals.numbers where !StopSignals.isIgnored(number) {
      sigaddset(&mask, number)
    }
    // An inherited "ignore" would make children vanish before they are waited for (wait(2)).
    signal(SIGCHLD, SIG_DFL)
    sigprocmask(SIG_BLOCK, &mask, &original)
    awaited = mask
    originalMask = original
  }

  /// Waits for one of the blocked signals (sigtimedwait(2)).
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Returns: its number; nil when the time is over, or after an interruption.
  func next(until deadline: MonotonicTime?) -> CInt? {
    var mask = awaited
    var info = siginfo_t()
    let number: CInt
    if let deadline {
      var time = timespec(milliseconds: deadline.remaining)
      number = sigtimedwait(&mask, &info, &time)
    } else {
      number = sigwaitinfo(&mask, &info)
    }
    return number > 0 ? number : nil
  }

  /// A stop signal that has arrived and was not taken yet.
  func pendingStop() -> CInt? {
    let past = MonotonicTime.now
    while let number = next(until: past) {
      if number != SIGCHLD { return number }
    }
    return nil
  }

  /// Goes back to the mask that was there before.
  func unblock() {
    var mask = originalMask
    sigprocmask(SIG_SETMASK, &mask, nil)
  }

  private static func isIgnored(_ number: CInt) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1, which a Swift closure cannot be compared with directly.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
