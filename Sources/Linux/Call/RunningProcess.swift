import Plan
import Text
import CLinux

/// A process, by its number (credentials(7), "Process ID").
package struct RunningProcess: Equatable, Sendable {
  let number: Int32

  /// This one (getpid(2)).
  static var current: RunningProcess { RunningProcess(number: getpid()) }
  /// Whether this is the first of its PID namespace (pid_namespaces(7)).
  static var isFirst: Bool { getpid() == 1 }
  /// The one that forked this one, or has adopted it (getppid(2)).
  static var parent: RunningProcess { RunningProcess(number: getppid()) }

  /// Works in the root directory from now on, so that no other file system is kept from being unmounted
  /// (chdir(2)).
  static func enterRootDirectory() throws(SystemCallFailure) {
    try checked("chdir(/)") { unsafe chdir("/") }
  }

  /// Ends this process, and nothing else (_exit(2)): there are no buffers to write.
  package static func exit(_ status: Int32) -> Never { _exit(status) }

  /// fork(2).
  ///
  /// - Parameter body: what the child does.
  /// - Returns: the child.
  static func fork(_ body: () -> Never) throws(Errno) -> RunningProcess {
    let child = try retried { linux_fork() }
    if child == 0 { body() }
    return RunningProcess(number: child)
  }

  /// Replaces the program of this process; returns only by throwing (execve(2)).
  static func execute(
    _ path: ByteString, _ arguments: [ByteString], _ environment: ExecStrings
  ) throws(Errno) -> Never {
    let arguments = ExecStrings(arguments.map { CString(copying: $0) })
    _ = unsafe path.withCString { unsafe execve($0, arguments.pointers, environment.pointers) }
    throw .last
  }

  // MARK: signals and groups

  /// kill(2).
  func send(_ signal: Signal) throws(Errno) {
    try retried { kill(number, signal.number) }
  }

  /// kill(2), to all of the group that has this number.
  func sendToGroup(_ signal: Signal) throws(Errno) {
    try retried { kill(-number, signal.number) }
  }

  /// Whether there is such a process, and this one may signal it (kill(2), signal 0).
  var maySignal: Bool {
    do throws(Errno) { try retried { kill(number, 0) } } catch { return false }
    return true
  }

  /// Whether there is a process in the group that has this number (kill(2), signal 0).
  var hasGroup: Bool {
    do throws(Errno) { try retried { kill(-number, 0) } } catch { return error != .noSuchProcess }
    return true
  }

  /// Whether there are processes in this PID namespace beside its first one, which this one is (kill(2), -1
  /// and signal 0).
  static var areOthers: Bool {
    do throws(Errno) { try retried { kill(-1, 0) } } catch { return error != .noSuchProcess }
    return true
  }

  /// Makes it the first of a group of its own (setpgid(2)); harmless where it has execed or ended.
  func leadGroup() { setpgid(number, number) }

  /// Makes this process the first of a group of its own (setpgid(2)).
  static func leadGroup() { setpgid(0, 0) }

  /// Whether it is the first of its group (getpgid(2)).
  var leadsGroup: Bool { getpgid(number) == number }

  // MARK: the end of a child

  /// How this child has ended; nil while it runs (waitpid(2), WNOHANG).
  func end() throws(Errno) -> ProcessEnd? {
    var status: Int32 = 0
    return try retried { unsafe waitpid(number, &status, WNOHANG) } == 0 ? nil : ProcessEnd(status)
  }

  /// Waits for the end of this child (waitpid(2)).
  func waitForEnd() throws(Errno) -> ProcessEnd {
    var status: Int32 = 0
    try retried { unsafe waitpid(number, &status, 0) }
    return ProcessEnd(status)
  }

  /// What has become of a child.
  enum Change: Equatable {
    case stopped(by: Signal)
    case ended(ProcessEnd)
  }

  /// The next change of a child; nil where there is none yet (waitpid(2), WNOHANG and WUNTRACED).
  static func nextChange() throws(Errno) -> (process: RunningProcess, change: Change)? {
    var status: Int32 = 0
    do throws(Errno) {
      let number = try retried { unsafe waitpid(-1, &status, WNOHANG | WUNTRACED) }
      if number == 0 { return nil }
      let isStopped = status & 0xff == 0x7f
      return (
        RunningProcess(number: number),
        isStopped ? .stopped(by: Signal(status >> 8 & 0xff)) : .ended(ProcessEnd(status))
      )
    } catch {
      if error == .noChildProcess { return nil }
      throw error
    }
  }

  /// Forgets those children that have ended (waitpid(2), WNOHANG).
  ///
  /// - Returns: whether there are others.
  static func forgetEnded() throws(Errno) -> Bool {
    do throws(Errno) {
      while try retried({ waitpid(-1, nil, WNOHANG) }) > 0 {}
      return true
    } catch {
      if error == .noChildProcess { return false }
      throw error
    }
  }
}

extension ProcessEnd {
  fileprivate init(_ status: Int32) {
    let number = status & 0x7f
    self = number == 0 ? .exited(status >> 8 & 0xff) : .killed(Signal(number))
  }
}

/// A flag that this process and its children share until they exec (mmap(2)).
@safe
package struct SharedFlag: ~Copyable {
  private let page: UnsafeMutablePointer<Bool>

  init() throws(Errno) {
    guard let page = unsafe linux_map_shared_page() else { throw .last }
    unsafe self.page = page.bindMemory(to: Bool.self, capacity: 1)
  }

  deinit { unsafe munmap(page, 1) }

  /// Sets it for all of them.
  borrowing func set() { unsafe page.pointee = true }

  var isSet: Bool { unsafe page.pointee }
}
