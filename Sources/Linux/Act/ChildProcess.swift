import Plan
import Text

/// A child that carries out steps up to an exec, and is waited for.
struct ChildProcess {
  /// How long a child may run after a stop signal before it is killed, in milliseconds.
  static let patience = 2000

  /// Forks, waits, and passes stop signals on.
  ///
  /// - Parameters:
  ///   - uid: the user that the child becomes, nil if it does not change.
  ///   - endsOrphans: whether to kill that user's processes that the child leaves running.
  ///   - body: what the child does. It first unblocks the signals, and sets `hasExplained` if it has
  ///     already reported why it ends.
  /// - Returns: the names of the processes that the child left running, and that were killed.
  /// - Throws: ``StartFailure`` with the child's own status; after a stop signal, with 128 + signal,
  ///   however the child ended.
  @discardableResult
  static func run(
    name: @autoclosure () -> String, uid: UInt32?, endsOrphans: Bool = false,
    _ body: (_ signals: StopSignals, _ hasExplained: borrowing SharedFlag) -> Never
  ) throws(StartFailure) -> FirstOfMany<ByteString> {
    let hasExplained = try sharedFlag()
    let signals: StopSignals
    do { signals = try StopSignals() } catch { throw error.failure }
    let outcome: Result<Outcome, StartFailure>
    do throws(StartFailure) {
      outcome = .success(
        try fork(uid: uid, endsOrphans: endsOrphans, signals: signals) {
          body(signals, hasExplained)
        })
    } catch {
      outcome = .failure(error)
    }
    // From here on a stop signal must work, even while a message waits for a pipe that nobody reads.
    do { try signals.unblock() } catch { throw error.failure }
    let (end, stop, ended) = try outcome.get()
    if let stop { throw StartFailure(status: ExitStatus.signal(stop.number)) }
    guard end.status != 0 else { return ended }
    if hasExplained.isSet { throw StartFailure(status: end.status) }
    throw StartFailure(
      status: end.status, what: "\(name()) failed", why: end.reason, waysOut: [end.wayOut])
  }

  private static func sharedFlag() throws(StartFailure) -> SharedFlag {
    do throws(Errno) { return try SharedFlag() } catch {
      throw SystemCallFailure("mmap", error).failure
    }
  }

  /// How a child ended, the stop signal that arrived meanwhile, and the names of the processes that it
  /// left running and that were killed.
  private typealias Outcome = (
    end: ProcessEnd, stop: Signal?, ended: FirstOfMany<ByteString>
  )

  /// Forks, and waits for the end of the child.
  private static func fork(
    uid: UInt32?, endsOrphans: Bool, signals: StopSignals, _ body: () -> Never
  ) throws(StartFailure) -> Outcome {
    let orphans: Orphans?
    do { orphans = endsOrphans ? try Orphans() : nil } catch { throw error.failure }
    let child: RunningProcess
    do throws(Errno) {
      child = try RunningProcess.fork {
        // With a group of its own, a stop signal also reaches what the child has started, and a Ctrl-C
        // reaches it once, through this process.
        RunningProcess.leadGroup()
        // A background process that reads the terminal would stop forever; now the read fails (termios(3)).
        Signal.terminalInput.ignore()
        Signal.terminalOutput.ignore()
        body()
      }
    } catch {
      throw SystemCallFailure("fork", error).failure
    }
    child.leadGroup()
    let (end, stop): (ProcessEnd, Signal?)
    do {
      (end, stop) = try wait(for: child, uid: uid, signals: signals)
    } catch {
      // Without the child's status, no further step may run.
      send(.kill, to: child, uid: uid)
      throw error.failure
    }
    guard let uid, let orphans else { return (end, stop, FirstOfMany()) }
    do throws(StartFailure) {
      return (end, stop, try orphans.end(of: uid))
    } catch {
      // This start ends anyway, and reports why.
      guard stop != nil || end.status != 0 else { throw error }
      return (end, stop, FirstOfMany())
    }
  }

  /// Waits for the child's end, and for the first stop signal that arrives meanwhile.
  private static func wait(
    for child: RunningProcess, uid: UInt32?, signals: StopSignals
  ) throws(SystemCallFailure) -> (end: ProcessEnd, stop: Signal?) {
    var stop: Signal?
    var deadline: MonotonicTime?
    while true {
      if let end = try end(of: child) {
        if stop == nil { stop = try signals.pendingStop() }
        // Nothing that the child started outlives a stopped start.
        if stop != nil { _ = sendToGroup(.kill, of: child, uid: uid) }
        return (end, stop)
      }
      switch try signals.next(until: deadline) {
      case Signal.childEnded: continue
      case let signal?:
        let isSent = send(signal, to: child, uid: uid)
        guard stop == nil else { continue }
        stop = signal
        deadline = .now + (isSent ? patience : 0)
      case nil where deadline?.remaining == 0:
        // A child that cannot be killed may never end.
        guard send(.kill, to: child, uid: uid) else { return (.exited(0), stop) }
        deadline = nil
      case nil: continue
      }
    }
  }

  /// How the child has ended; nil while it runs.
  private static func end(
    of child: RunningProcess
  ) throws(SystemCallFailure) -> ProcessEnd? {
    do throws(Errno) { return try child.end() } catch {
      throw SystemCallFailure("waitpid(\(child.number))", error)
    }
  }

  /// Sends a signal to the child, which has not been waited for, and to everything it started.
  @discardableResult
  private static func send(_ signal: Signal, to child: RunningProcess, uid: UInt32?) -> Bool {
    let isInGroup = child.leadsGroup
    let isSent = sendToGroup(signal, of: child, uid: uid)
    // It may have changed its group, and left other processes in the old one.
    return isInGroup
      ? isSent : send(uid: uid) { () throws(Errno) in try child.send(signal) }
  }

  private static func sendToGroup(_ signal: Signal, of child: RunningProcess, uid: UInt32?) -> Bool
  {
    send(uid: uid) { () throws(Errno) in try child.sendToGroup(signal) }
  }

  /// Sends a signal.
  ///
  /// A process or group that no longer exists needs none.
  ///
  /// The child runs as another user, so root needs cap_kill, which a container may lack. A stop signal
  /// ends this start anyway, so this process may become that user.
  private static func send(uid: UInt32?, _ call: () throws(Errno) -> Void) -> Bool {
    do throws(Errno) {
      try call()
      return true
    } catch {
      if error == .noSuchProcess { return true }
      if error != .notPermitted { return false }
    }
    guard let uid else { return false }
    do throws(SystemCallFailure) { try ProcessIdentity.setUser(uid) } catch { return false }
    do throws(Errno) { try call() } catch { return false }
    return true
  }
}

extension ProcessEnd {
  fileprivate var reason: String {
    switch self {
    case .exited(let status): "it ended with status \(status)"
    case .killed(let signal): "\(signal.nameWithPrefix ?? "signal") (\(signal.number)) ended it"
    }
  }

  fileprivate var wayOut: String {
    switch self {
    case .exited: "read its own message above"
    case .killed(.kill):
      "often the kernel's out-of-memory killer sent it: raise the container's memory limit (docker"
        + " inspect: OOMKilled)"
    case .killed: "find out who sent it; if nobody did, the program has a bug: see dmesg"
    }
  }
}
