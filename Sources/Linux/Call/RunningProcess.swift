import Text
import CLinux

/// A process, by its number (credentials(7), "Process ID").
package struct RunningProcess: Equatable, Sendable {
  let number: Int32

  /// This one (getpid(2)).
  static var current: RunningProcess { RunningProcess(number: getpid()) }
  /// The one that forked this one, or has adopted it (getppid(2)).
  static var parent: RunningProcess { RunningProcess(number: getppid()) }

  /// Ends this process, and nothing else (_exit(2)): there are no buffers to write.
  package static func exit(_ status: Int32) -> Never { _exit(status) }

  /// fork(2).
  ///
  /// - Parameter body: what the child does.
  /// - Returns: the child.
  static func fork(_ body: () -> Never) throws(Errno) -> RunningProcess {
    let child = try retried { CLinux.fork() }
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

  /// Makes it the first of a group of its own (setpgid(2)); harmless where it has execed or ended.
  func leadGroup() { setpgid(number, number) }

  /// Makes this process the first of a group of its own (setpgid(2)).
  static func leadGroup() { setpgid(0, 0) }

  /// Whether it is the first of its group (getpgid(2)).
  var leadsGroup: Bool { getpgid(number) == number }

  // MARK: the end of a child

  /// How a process ended (wait(2)).
  enum End: Equatable {
    case exited(Int32)
    case killed(Signal)

    fileprivate init(_ status: Int32) {
      let number = status & 0x7f
      self = number == 0 ? .exited(status >> 8 & 0xff) : .killed(Signal(number: number))
    }
  }

  /// How this child has ended; nil while it runs (waitpid(2), WNOHANG).
  func end() throws(Errno) -> End? {
    var status: Int32 = 0
    return try retried { unsafe waitpid(number, &status, WNOHANG) } == 0 ? nil : End(status)
  }

  /// Waits for the end of this child (waitpid(2)).
  func waitForEnd() throws(Errno) -> End {
    var status: Int32 = 0
    try retried { unsafe waitpid(number, &status, 0) }
    return End(status)
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
