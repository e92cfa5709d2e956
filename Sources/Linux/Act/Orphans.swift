import Plan
import Text

/// The processes that a child leaves running: they become children of this process, wherever they have gone
/// (PR_SET_CHILD_SUBREAPER(2const); the first process of a container has them anyway).
///
/// What `docker exec` starts has its parent outside, and is none of them.
struct Orphans {
  /// How long to try to end them, in milliseconds.
  private static let patience = 2000

  /// The children that were there before, such as what a hook has left.
  private let others: [RunningProcess]

  /// Adopts from now on what children leave.
  init() throws(SystemCallFailure) {
    try Orphans.adopt(true)
    others = try Orphans.areThere() ? try Orphans.list() : []
  }

  /// Kills those that belong to a user, all of them, and adopts no more.
  ///
  /// A child of theirs that is left then is the next to be found, so that nothing can escape. Of another
  /// user can only be what a set-user-ID program has made it, or what was started in the container from
  /// outside and lost its parent: that is not to be ended.
  ///
  /// - Returns: their names, as they called themselves.
  /// - Throws: ``StartFailure`` where one may be left.
  func end(of uid: UInt32) throws(StartFailure) -> FirstOfMany<ByteString> {
    do throws(SystemCallFailure) {
      let ended = try endAll(of: uid)
      try Orphans.adopt(false)
      return ended
    } catch {
      var failure = error.failure(what: "what kong prepare has left running cannot be killed")
      failure.explanation?.waysOut.append(
        "find out what it starts in the background: docker exec CONTAINER ps -ef")
      throw failure
    }
  }

  private func endAll(of uid: UInt32) throws(SystemCallFailure) -> FirstOfMany<ByteString> {
    var ended = FirstOfMany<ByteString>()
    var known: [RunningProcess] = []
    let deadline = MonotonicTime.now + Orphans.patience
    while try Orphans.areThere() {
      let left = try Orphans.list().filter { !others.contains($0) }
      let names = left.map { known.contains($0) ? nil : Orphans.name(of: $0) }
      guard !left.isEmpty, try Orphans.kill(left, as: uid) else { break }
      for name in names { if let name { ended.append(name) } }
      known += left
      guard deadline.remaining > 0 else { throw SystemCallFailure("kill", .timedOut) }
      // A killed process is gone within this time, unless it waits for a disk. Stop signals stay pending.
      MonotonicTime.pause()
    }
    return ended
  }

  private static func adopt(_ isReaper: Bool) throws(SystemCallFailure) {
    if RunningProcess.isFirst { return }
    try ProcessAttribute.adoptOrphans(isReaper)
  }

  /// Whether this process has children that run; those that have ended are forgotten.
  private static func areThere() throws(SystemCallFailure) -> Bool {
    do throws(Errno) { return try RunningProcess.forgetEnded() } catch {
      throw SystemCallFailure("waitpid", error)
    }
  }

  /// The children, as the kernel lists them (proc_tid_children(5)).
  private static func list() throws(SystemCallFailure) -> [RunningProcess] {
    guard let text = try contentsIfPresent(ofKernel: "/proc/thread-self/children") else {
      throw SystemCallFailure("read(/proc/thread-self/children)", .noSuchFileOrDirectory)
    }
    return text.split(separator: UInt8(ascii: " ")).compactMap {
      Int32(String(decoding: $0, as: UTF8.self)).map { RunningProcess(number: $0) }
    }
  }

  /// What a process calls itself (proc_pid_comm(5)), 15 bytes at most; its number where that is hidden.
  private static func name(of process: RunningProcess) -> ByteString {
    let path = ByteString("/proc/\(process.number)/comm")
    var name: [UInt8] = []
    do throws(SystemCallFailure) { name = try contentsIfPresent(ofKernel: path) ?? [] } catch {
      // Its number says who it is.
    }
    if name.isEmpty { return ByteString("process \(process.number)") }
    return ByteString(Array(name.prefix { $0 != UInt8(ascii: "\n") }))
  }

  /// Kills those processes that a user may kill: as that user, because root may not without cap_kill, and
  /// must not kill others.
  ///
  /// - Returns: whether there was one.
  private static func kill(
    _ processes: [RunningProcess], as uid: UInt32
  ) throws(SystemCallFailure) -> Bool {
    let child: RunningProcess
    do throws(Errno) {
      child = try RunningProcess.fork { killAndExit(processes, as: uid) }
    } catch {
      throw SystemCallFailure("fork", error)
    }
    let end: ProcessEnd
    do throws(Errno) { end = try child.waitForEnd() } catch {
      throw SystemCallFailure("waitpid(\(child.number))", error)
    }
    switch end {
    case .exited(0): return true
    case .exited(1): return false
    default: throw SystemCallFailure("setuid(\(uid))", .notPermitted)
    }
  }

  /// Ends this process with 0 where there was one that it could kill, 1 where there was none, 2 where it
  /// cannot become the user.
  private static func killAndExit(_ processes: [RunningProcess], as uid: UInt32) -> Never {
    do throws(SystemCallFailure) { try ProcessIdentity.setUser(uid) } catch {
      RunningProcess.exit(2)
    }
    var isSent = false
    for process in processes {
      do throws(Errno) {
        try process.send(.kill)
        isSent = true
      } catch {
        // It is another user's, or has ended.
      }
    }
    RunningProcess.exit(isSent ? 0 : 1)
  }
}
