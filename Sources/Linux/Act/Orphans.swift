import Plan
import Text

/// The processes that a child leaves running.
///
/// They become children of this process, whatever session or group they are in
/// (PR_SET_CHILD_SUBREAPER(2const); the first process of a container gets them anyway).
///
/// Processes of `docker exec` have their parent outside the container, and are not among them.
struct Orphans {
  /// How long to try to kill them, in milliseconds.
  private static let patience = 2000

  /// The children that existed before, such as those that a hook left.
  private let others: [RunningProcess]

  /// Adopts what children leave from now on.
  init() throws(SystemCallFailure) {
    try Orphans.adopt(true)
    others = try Orphans.areThere() ? try Orphans.list() : []
  }

  /// Kills all that belong to a user, then stops adopting.
  ///
  /// A killed process leaves its own children to this one, and the next round finds them: none escapes.
  /// Processes of other users stay: a set-user-ID program made them so, or they were started in the
  /// container from outside and lost their parent.
  ///
  /// - Returns: the names that they gave themselves.
  /// - Throws: ``StartFailure`` if one may be left.
  func end(of uid: UInt32) throws(StartFailure) -> FirstOfMany<ByteString> {
    do throws(SystemCallFailure) {
      let ended = try endAll(of: uid)
      try Orphans.adopt(false)
      return ended
    } catch {
      var failure = error.failure(what: "processes that kong prepare left running cannot be killed")
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
      // Enough for a killed process to end, unless it waits for a disk. Stop signals stay pending.
      MonotonicTime.pause()
    }
    return ended
  }

  private static func adopt(_ isReaper: Bool) throws(SystemCallFailure) {
    if RunningProcess.isFirst { return }
    try ProcessAttribute.adoptOrphans(isReaper)
  }

  /// Whether this process has running children; those that have ended are reaped.
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

  /// The name that a process gave itself (proc_pid_comm(5)), at most 15 bytes; its number if /proc hides it.
  private static func name(of process: RunningProcess) -> ByteString {
    let path = ByteString("/proc/\(process.number)/comm")
    var name: [UInt8] = []
    do throws(SystemCallFailure) { name = try contentsIfPresent(ofKernel: path) ?? [] } catch {
      // Its number takes the place of the name.
    }
    if name.isEmpty { return ByteString("process \(process.number)") }
    return ByteString(Array(name.prefix { $0 != UInt8(ascii: "\n") }))
  }

  /// Kills the processes that a user may kill.
  ///
  /// A child does it as that user: root may lack cap_kill, and must not kill processes of other users.
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

  /// Exits with 0 if a process was killed, 1 if there was none, and 2 if this process cannot become the
  /// user.
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
        // It belongs to another user, or has ended.
      }
    }
    RunningProcess.exit(isSent ? 0 : 1)
  }
}
