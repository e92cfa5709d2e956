import EntrypointPlan
import Glibc

/// The signals that ask a container to stop, and what a start does with them.
///
/// A process that is PID 1 ignores a signal that it has no handler for (pid_namespaces(7)), so the
/// start has one, for as long as it lasts: it ends the process with 128 + signal. While a child runs
/// the signals are blocked instead, and taken one by one. exec(2) sets handlers back to the default.
public struct StopSignals {
  static let numbers: [CInt] = [SIGTERM, SIGINT, SIGQUIT, SIGHUP]

  /// The mask to go back to, and to give to children.
  private let originalMask: sigset_t

  /// Makes the stop signals end the process, except those that whoever started us has them ignored.
  public static func endProcess() {
    for number in numbers {
      var action = sigaction()
      guard sigaction(number, nil, &action) == 0, !action.isIgnored else { continue }
      action = sigaction()
      action.__sigaction_handler.sa_handler = { _exit(ExitStatus.signal($0)) }
      sigaction(number, &action, nil)
    }
    // An inherited "ignore" would make children vanish before they are waited for (wait(2)).
    signal(SIGCHLD, SIG_DFL)
  }

  /// Blocks the stop signals and SIGCHLD.
  init() {
    var mask = sigset_t()
    var original = sigset_t()
    sigemptyset(&mask)
    for number in StopSignals.numbers + [SIGCHLD] { sigaddset(&mask, number) }
    sigprocmask(SIG_BLOCK, &mask, &original)
    originalMask = original
  }

  /// Waits for one of the blocked signals (sigtimedwait(2)).
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Returns: its number; nil when the time is over, or after an interruption.
  func next(until deadline: MonotonicTime?) -> CInt? {
    var mask = sigset_t()
    sigemptyset(&mask)
    for number in StopSignals.numbers + [SIGCHLD] { sigaddset(&mask, number) }
    var info = siginfo_t()
    var number: CInt
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
}

extension sigaction {
  fileprivate var isIgnored: Bool {
    // SIG_IGN is the address 1, which a Swift closure cannot be compared with directly.
    unsafeBitCast(__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
