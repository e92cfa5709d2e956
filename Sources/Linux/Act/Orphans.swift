import Text
import CLinux
import Glibc
import SystemPackage

/// The processes that a child leaves running: they become children of this process, wherever they have gone
/// (PR_SET_CHILD_SUBREAPER(2const); the first process of a container has them anyway).
///
/// What `docker exec` starts has its parent outside, and is none of them.
struct Orphans {
  /// How long to try to end them, in milliseconds.
  private static let patience = 2000

  /// The children that were there before, such as what a hook has left.
  private let others: [pid_t]

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
  func end(of uid: uid_t) throws(StartFailure) -> FirstOfMany<ByteString> {
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

  private func endAll(of uid: uid_t) throws(SystemCallFailure) -> FirstOfMany<ByteString> {
    var ended = FirstOfMany<ByteString>()
    var known: [pid_t] = []
    let deadline = MonotonicTime.now + Orphans.patience
    while try Orphans.areThere() {
      let left = try Orphans.list().filter { !others.contains($0) }
      let names = left.map { known.contains($0) ? nil : Orphans.name(of: $0) }
      guard !left.isEmpty, try Orphans.kill(left, as: uid) else { break }
      for name in names { if let name { ended.append(name) } }
      known += left
      guard deadline.remaining > 0 else { throw SystemCallFailure("kill", .timedOut) }
      // A killed process is gone within this time, unless it waits for a disk. Stop signals stay pending.
      poll(nil, 0, 1)
    }
    return ended
  }

  private static func adopt(_ isReaper: Bool) throws(SystemCallFailure) {
    if getpid() == 1 { return }
    try checked("prctl(PR_SET_CHILD_SUBREAPER)") {
      cap_prctlw(Int(PR_SET_CHILD_SUBREAPER), isReaper ? 1 : 0, 0, 0, 0, 0)
    }
  }

  /// Whether this process has children that run; those that have ended are forgotten (wait(2)).
  private static func areThere() throws(SystemCallFailure) -> Bool {
    while true {
      let ended = waitpid(-1, nil, WNOHANG)
      if ended == 0 { return true }
      if ended > 0 { continue }
      switch Errno(rawValue: errno) {
      case .noChildProcess: return false
      case .interrupted: continue
      case let reason: throw SystemCallFailure("waitpid", reason)
      }
    }
  }

  /// The children, as the kernel lists them (proc_tid_children(5)).
  private static func list() throws(SystemCallFailure) -> [pid_t] {
    guard let text = try contentsIfPresent(ofKernel: "/proc/thread-self/children") else {
      throw SystemCallFailure("read(/proc/thread-self/children)", .noSuchFileOrDirectory)
    }
    return text.split(separator: UInt8(ascii: " ")).compactMap {
      pid_t(String(decoding: $0, as: UTF8.self))
    }
  }

  /// What a process calls itself (proc_pid_comm(5)), 15 bytes at most; its number where that is hidden.
  private static func name(of process: pid_t) -> ByteString {
    guard
      let name = try? contentsIfPresent(ofKernel: ByteString("/proc/\(process)/comm")),
      !name.isEmpty
    else { return ByteString("process \(process)") }
    return ByteString(Array(name.prefix { $0 != UInt8(ascii: "\n") }))
  }

  /// Kills those processes that a user may kill: as that user, because root may not without cap_kill, and
  /// must not kill others.
  ///
  /// - Returns: whether there was one.
  private static func kill(
    _ processes: [pid_t], as uid: uid_t
  ) throws(SystemCallFailure) -> Bool {
    let child = fork()
    if child == 0 {
      guard setuid(uid) == 0 else { _exit(2) }
      var isSent = false
      for process in processes where Glibc.kill(process, SIGKILL) == 0 { isSent = true }
      _exit(isSent ? 0 : 1)
    }
    guard child > 0 else { throw SystemCallFailure("fork", Errno(rawValue: errno)) }
    var status: CInt = 0
    try checked("waitpid(\(child))") { waitpid(child, &status, 0) }
    switch status {
    case 0: return true
    case 1 << 8: return false
    default: throw SystemCallFailure("setuid(\(uid))", .notPermitted)
    }
  }
}
