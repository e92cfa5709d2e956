import Glibc
import SystemPackage

/// The signals that ask a container to stop, while a child runs.
///
/// At any other time of a start a handler ends the process with 128 + signal; it is there from the
/// first instruction on (Sources/Start). While a child runs the signals are blocked instead, and taken one
/// by one, because the end has to wait for that of the child.
struct StopSignals {
  private static let numbers: [CInt] = [SIGTERM, SIGINT, SIGQUIT, SIGHUP]

  /// The signals to wait for: SIGCHLD, and those that stop this start.
  private let awaited: sigset_t
  /// The mask to go back to, and to give to children.
  private let originalMask: sigset_t

  /// Blocks the stop signals and SIGCHLD.
  ///
  /// - Throws: ``SystemCallFailure`` where they cannot be blocked: then they could not be waited for.
  init() throws(SystemCallFailure) {
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGCHLD)
    // A blocked signal is kept even if it is ignored: a HUP that whoever started us ignores (nohup(1))
    // would stop the start after all.
    for number in StopSignals.numbers where !StopSignals.isIgnored(number) {
      sigaddset(&mask, number)
    }
    awaited = mask
    originalMask = try StopSignals.setMask(SIG_BLOCK, mask)
  }

  /// Waits for one of the blocked signals (sigtimedwait(2)).
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Returns: its number; nil when the time is over, or after an interruption.
  /// - Throws: ``SystemCallFailure`` where the kernel does not let this process wait.
  func next(until deadline: MonotonicTime?) throws(SystemCallFailure) -> CInt? {
    var mask = awaited
    var info = siginfo_t()
    let number: CInt
    if let deadline {
      var time = timespec(milliseconds: deadline.remaining)
      number = sigtimedwait(&mask, &info, &time)
    } else {
      number = sigwaitinfo(&mask, &info)
    }
    if number > 0 { return number }
    switch Errno(rawValue: errno) {
    case .resourceTemporarilyUnavailable, .interrupted: return nil
    case let reason: throw SystemCallFailure("rt_sigtimedwait", reason)
    }
  }

  /// A stop signal that has arrived and was not taken yet.
  func pendingStop() throws(SystemCallFailure) -> CInt? {
    let past = MonotonicTime.now
    while let number = try next(until: past) {
      if number != SIGCHLD { return number }
    }
    return nil
  }

  /// Goes back to the mask that was there before.
  ///
  /// - Throws: ``SystemCallFailure`` where signals stay blocked: what is exec'd could not be stopped.
  func unblock() throws(SystemCallFailure) {
    _ = try StopSignals.setMask(SIG_SETMASK, originalMask)
  }

  /// sigprocmask(2).
  ///
  /// - Returns: the mask before.
  private static func setMask(
    _ how: CInt, _ mask: sigset_t
  ) throws(SystemCallFailure) -> sigset_t {
    var mask = mask
    var original = sigset_t()
    try checked("rt_sigprocmask") { sigprocmask(how, &mask, &original) }
    return original
  }

  private static func isIgnored(_ number: CInt) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1, which a Swift closure cannot be compared with directly.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
