import Plan
import CLinux

extension Signal {
  /// Whether this process ignores it (sigaction(2)).
  var isIgnored: Bool { linux_is_ignored(number) != 0 }

  /// Ignores it from now on (signal(2), SIG_IGN).
  func ignore() { linux_ignore_signal(number) }
}

/// A set of signals, as the kernel has it.
///
/// musl keeps the signals 32 to 34 for itself, and changes masks that have one of them; the last is the first
/// realtime signal of programs with glibc.
struct SignalSet {
  /// The bit 0 is the signal 1.
  private var set: UInt64 = 0

  init(_ signals: [Signal]) {
    for signal in signals { set |= 1 << (signal.number - 1) }
  }

  /// Every signal but 32 and 33, by which threads of C libraries call each other (nptl(7)).
  static var all: SignalSet {
    var all = SignalSet([])
    all.set = ~(0b11 << 31)
    return all
  }

  /// What can be read while one of these, which are blocked, is waiting (signalfd(2)).
  func descriptor() throws(Errno) -> Descriptor {
    var set = set
    return try Descriptor(owning: retried { unsafe linux_signal_descriptor(&set) })
  }

  /// Blocks these, too (sigprocmask(2), SIG_BLOCK).
  ///
  /// - Returns: what was blocked before.
  func block() throws(SystemCallFailure) -> SignalSet { try change(SIG_BLOCK) }

  /// Blocks these and no others (sigprocmask(2), SIG_SETMASK).
  func restore() throws(SystemCallFailure) { _ = try change(SIG_SETMASK) }

  private func change(_ how: Int32) throws(SystemCallFailure) -> SignalSet {
    var (wanted, before) = (self, self)
    try checked("rt_sigprocmask") { unsafe linux_change_mask(how, &wanted.set, &before.set) }
    return before
  }

  /// Forgets the SIGPIPE of a write of this process's own, after which a blocked one waits (pipe(7)).
  static func forgetBrokenPipe() {
    do throws(Errno) { _ = try SignalSet([.brokenPipe]).takeWaiting() } catch {
      // There was none.
    }
  }

  /// Takes one of these, which are blocked, if one is waiting (sigtimedwait(2)).
  func takeWaiting() throws(Errno) -> Signal? {
    do throws(SystemCallFailure) { return try wait(until: .now) } catch { throw error.errno }
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
      number = unsafe linux_wait_for_signal(&awaited.set, &time)
    } else {
      number = unsafe linux_wait_for_signal(&awaited.set, nil)
    }
    if number > 0 { return Signal(number) }
    let reason = Errno.last
    if reason == .resourceTemporarilyUnavailable || reason == .interrupted { return nil }
    throw SystemCallFailure("rt_sigtimedwait", reason)
  }
}
