import Text
import CLinux
import Glibc
import SystemPackage

/// A child that carries out steps up to an exec, and is waited for.
struct ChildProcess {
  /// How long a child may go on after a stop signal before it is killed, in milliseconds.
  static let patience = 2000

  /// Forks, waits, and passes stop signals on.
  ///
  /// - Parameters:
  ///   - uid: the user that the child becomes, nil if it stays.
  ///   - endsOrphans: whether that user's processes that the child leaves running are killed.
  ///   - body: what the child does; it must not return. First it unblocks the signals. It sets
  ///     `hasExplained` where it has said itself why it ends.
  /// - Returns: the names of the processes that the child left running, and that were killed.
  /// - Throws: ``StartFailure`` with the child's own status; or with 128 + signal after a stop
  ///   signal, however the child ended.
  @discardableResult
  static func run(
    name: @autoclosure () -> String, uid: uid_t?, endsOrphans: Bool = false,
    _ body: (_ signals: StopSignals, _ hasExplained: UnsafeMutablePointer<Bool>) -> Never
  ) throws(StartFailure) -> FirstOfMany<ByteString> {
    let hasExplained = try sharedFlag()
    defer { munmap(hasExplained, 1) }
    let signals: StopSignals
    do { signals = try StopSignals() } catch { throw error.failure }
    let outcome = Result { () throws(StartFailure) in
      try fork(uid: uid, endsOrphans: endsOrphans, signals: signals) { body(signals, hasExplained) }
    }
    // Nothing after this may be deaf to signals, not even a message to a pipe that nobody reads.
    do { try signals.unblock() } catch { throw error.failure }
    let (end, stop, ended) = try outcome.get()
    if let stop { throw StartFailure(status: ExitStatus.signal(stop)) }
    guard end.status != 0 else { return ended }
    if hasExplained.pointee { throw StartFailure(status: end.status) }
    throw StartFailure(
      status: end.status, what: "\(name()) failed", why: end.reason, waysOut: [end.wayOut])
  }

  /// What came of a child: how it ended, the stop signal that arrived meanwhile, and the names of the
  /// processes that it left running and that were killed.
  private typealias Outcome = (end: End, stop: CInt?, ended: FirstOfMany<ByteString>)

  /// Forks, and waits for the end of the child.
  private static func fork(
    uid: uid_t?, endsOrphans: Bool, signals: StopSignals, _ body: () -> Never
  ) throws(StartFailure) -> Outcome {
    let orphans: Orphans?
    do { orphans = endsOrphans ? try Orphans() : nil } catch { throw error.failure }
    let child = Glibc.fork()
    if child == 0 {
      // A group of its own: a stop signal reaches what the child has started, too, and a Ctrl-C
      // reaches it once, through us.
      setpgid(0, 0)
      // In the background a read of the terminal would stop it for ever; now it fails (termios(3)).
      signal(SIGTTIN, SIG_IGN)
      signal(SIGTTOU, SIG_IGN)
      body()
    }
    guard child > 0 else {
      throw SystemCallFailure("fork", Errno(rawValue: errno)).failure
    }
    setpgid(child, child)
    let (end, stop): (End, CInt?)
    do {
      (end, stop) = try wait(for: child, uid: uid, signals: signals)
    } catch {
      // Without its status nothing may follow it.
      send(SIGKILL, to: child, uid: uid)
      throw error.failure
    }
    guard let uid, let orphans else { return (end, stop, FirstOfMany()) }
    do throws(StartFailure) {
      return (end, stop, try orphans.end(of: uid))
    } catch {
      // Such a start ends anyway, and says why.
      guard stop != nil || end.status != 0 else { throw error }
      return (end, stop, FirstOfMany())
    }
  }

  /// A page that a child keeps until it execs, to tell us something (mmap(2)).
  private static func sharedFlag() throws(StartFailure) -> UnsafeMutablePointer<Bool> {
    guard let page = mmap(nil, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
      page != MAP_FAILED
    else { throw SystemCallFailure("mmap", Errno(rawValue: errno)).failure }
    return page.bindMemory(to: Bool.self, capacity: 1)
  }

  /// How a child ended (wait(2)).
  private enum End {
    case exited(Int32)
    case killed(CInt)

    var status: Int32 {
      switch self {
      case .exited(let status): status
      case .killed(let number): ExitStatus.signal(number)
      }
    }

    var reason: String {
      switch self {
      case .exited(let status): "it ended with status \(status)"
      case .killed(let number):
        "\(sigabbrev_np(number).map { "SIG" + String(cString: $0) } ?? "signal") (\(number)) ended it"
      }
    }

    var wayOut: String {
      switch self {
      case .exited: "read its own message above"
      case .killed(SIGKILL):
        "often it is the kernel's out-of-memory killer: raise the container's memory limit (docker"
          + " inspect: OOMKilled)"
      case .killed: "find out who sent it; if nobody did, it is a fault of the program's: see dmesg"
      }
    }
  }

  /// Waits for the child's end, and for the first stop signal that arrives meanwhile.
  private static func wait(
    for child: pid_t, uid: uid_t?, signals: StopSignals
  ) throws(SystemCallFailure) -> (end: End, stop: CInt?) {
    var stop: CInt?
    var deadline: MonotonicTime?
    while true {
      if let end = try end(of: child) {
        if stop == nil { stop = try signals.pendingStop() }
        // Nothing that it started outlives a start that was stopped.
        if stop != nil { _ = kill(-child, SIGKILL, uid: uid) }
        return (end, stop)
      }
      switch try signals.next(until: deadline) {
      case SIGCHLD: continue
      case let number?:
        let isSent = send(number, to: child, uid: uid)
        guard stop == nil else { continue }
        stop = number
        deadline = .now + (isSent ? patience : 0)
      case nil where deadline?.remaining == 0:
        // If it cannot even be killed, there is no end to wait for.
        guard send(SIGKILL, to: child, uid: uid) else { return (.exited(0), stop) }
        deadline = nil
      case nil: continue
      }
    }
  }

  /// Sends a signal to the child, which has not been waited for, and to all that it started.
  @discardableResult
  private static func send(_ number: CInt, to child: pid_t, uid: uid_t?) -> Bool {
    let isInGroup = getpgid(child) == child
    let isSent = kill(-child, number, uid: uid)
    // It may have moved to another group, and left others of its own behind.
    return isInGroup ? isSent : kill(child, number, uid: uid)
  }

  /// kill(2); a process or group that has gone needs no signal.
  ///
  /// The child is another user's, so root needs cap_kill for that, which a container may not have.
  /// But a stop signal is the end of this start: we may as well become that user.
  private static func kill(_ target: pid_t, _ number: CInt, uid: uid_t?) -> Bool {
    if Glibc.kill(target, number) == 0 || errno == ESRCH { return true }
    if let uid, errno == EPERM, setuid(uid) == 0 { return Glibc.kill(target, number) == 0 }
    return false
  }

  /// How the child has ended, nil while it runs.
  private static func end(of child: pid_t) throws(SystemCallFailure) -> End? {
    var status: CInt = 0
    let ended = try checked("waitpid(\(child))") { waitpid(child, &status, WNOHANG) }
    guard ended == child else { return nil }
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal)
  }
}
