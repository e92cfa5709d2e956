import CLinux

/// A signal (signal(7)).
struct Signal: Equatable, Sendable {
  let number: Int32

  static let childEnded = Signal(number: SIGCHLD)
  static let hangUp = Signal(number: SIGHUP)
  static let interrupt = Signal(number: SIGINT)
  static let kill = Signal(number: SIGKILL)
  static let quit = Signal(number: SIGQUIT)
  static let terminalInput = Signal(number: SIGTTIN)
  static let terminalOutput = Signal(number: SIGTTOU)
  static let terminate = Signal(number: SIGTERM)

  /// "SIGTERM"; nil where it has no name (sigabbrev_np(3)).
  var name: String? { unsafe sigabbrev_np(number).map { unsafe "SIG" + String(cString: $0) } }

  /// Whether this process ignores it (sigaction(2)).
  var isIgnored: Bool { linux_is_ignored(number) != 0 }

  /// Ignores it from now on (signal(2), SIG_IGN).
  func ignore() { linux_ignore_signal(number) }
}

/// A set of signals (sigsetops(3)).
struct SignalSet {
  private var set = sigset_t()

  init(_ signals: [Signal]) {
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal.number) }
  }

  /// Blocks these, too (sigprocmask(2), SIG_BLOCK).
  ///
  /// - Returns: what was blocked before.
  func block() throws(SystemCallFailure) -> SignalSet { try change(SIG_BLOCK) }

  /// Blocks these and no others (sigprocmask(2), SIG_SETMASK).
  func restore() throws(SystemCallFailure) { _ = try change(SIG_SETMASK) }

  private func change(_ how: Int32) throws(SystemCallFailure) -> SignalSet {
    var (wanted, before) = (self, self)
    try checked("rt_sigprocmask") { unsafe sigprocmask(how, &wanted.set, &before.set) }
    return before
  }

  /// Waits for one of these, which are blocked, and takes it (sigtimedwait(2)).
  ///
  /// - Parameter deadline: nil to wait as long as it takes.
  /// - Returns: nil when the time is over, or after the handler of another signal.
  func wait(until deadline: MonotonicTime?) throws(SystemCallFailure) -> Signal? {
    var awaited = self
    var number: Int32 = 0
    if let deadline {
      var time = timespec(milliseconds: deadline.remaining)
      number = unsafe sigtimedwait(&awaited.set, nil, &time)
    } else {
      number = unsafe sigwaitinfo(&awaited.set, nil)
    }
    if number > 0 { return Signal(number: number) }
    let reason = Errno.last
    if reason == .resourceTemporarilyUnavailable || reason == .interrupted { return nil }
    throw SystemCallFailure("rt_sigtimedwait", reason)
  }
}
