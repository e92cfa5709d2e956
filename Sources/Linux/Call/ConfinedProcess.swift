import Capabilities
import Plan
import Text
import CLinux
import Glibc
import SystemPackage

/// A process that has given everything up, and hands back what it has read.
///
/// What parses a file of somebody else's must have nothing that he could gain. If it crashes, hangs or
/// sends garbage, that costs what it was to read.
enum ConfinedProcess {
  /// Reads in such a process.
  ///
  /// - Parameters:
  ///   - user: who could read the files himself.
  ///   - own: who this process is.
  ///   - patience: how long it may take, in milliseconds.
  ///   - body: what the process does; what it changes is lost.
  /// - Returns: what `body` returned; or why that is not known, as a phrase.
  static func run<Value: Message>(
    as user: TargetUser, own: Credentials, patience: Int = patience, _ body: () -> Value
  ) -> Result<Value, Failure> {
    var ends: (read: CInt, write: CInt) = (-1, -1)
    let isMade = withUnsafeMutablePointer(to: &ends) { pair in
      pair.withMemoryRebound(to: CInt.self, capacity: 2) { pipe($0) == 0 }
    }
    guard isMade else { return .failure(.notStarted("pipe", Errno(rawValue: errno))) }
    defer { close(ends.read) }
    // Blocked, so that its end can be waited for, and not for ever.
    var (childSignal, mask) = (sigset_t(), sigset_t())
    sigemptyset(&childSignal)
    sigaddset(&childSignal, SIGCHLD)
    sigprocmask(SIG_BLOCK, &childSignal, &mask)
    defer { sigprocmask(SIG_SETMASK, &mask, nil) }
    let parent = getpid()
    let child = fork()
    if child == 0 {
      close(ends.read)
      send(user, own, to: ends.write, parent: parent, body)
    }
    let reason = Errno(rawValue: errno)
    close(ends.write)
    guard child > 0 else { return .failure(.notStarted("fork", reason)) }
    let received = receive(from: ends.read, patience: patience)
    let end = wait(for: child, after: received, childSignal)
    switch (received, end) {
    case (.all(let bytes), .exited(0)), (.all(let bytes), .unknown):
      return Value(message: bytes).map { .success($0) } ?? .failure(.malformed)
    case (.tooMuch, _): return .failure(.tooMuch)
    case (.tooLate, _): return .failure(.tooLate)
    case (.broken(let reason), _): return .failure(.notStarted("read", reason))
    case (.all, let end): return .failure(.ended(end))
    }
  }

  /// Why nothing was read.
  enum Failure: Error, Equatable {
    case notStarted(String, Errno)
    case ended(End)
    case tooLate
    case tooMuch
    case malformed

    /// A phrase for a message.
    var reason: String {
      let process = "the process that reads it without privileges"
      switch self {
      case .notStarted(let call, let reason):
        return "\(process) cannot be started (\(call): \(reason))"
      case .ended(.exited(let status)): return "\(process) ended with status \(status)"
      case .ended(.killed(let number)): return "signal \(number) ended \(process)"
      case .ended(.unknown): return "\(process) ended early"
      case .tooLate: return "\(process) has not finished within \(patience / 1000) s"
      case .tooMuch: return "\(process) found more than \(messageLimit >> 20) MiB to say"
      case .malformed: return "\(process) sent what is no answer"
      }
    }
  }

  /// How the process ended (wait(2)).
  enum End: Equatable {
    case exited(CInt)
    case killed(CInt)
    /// Somebody ignores SIGCHLD, or it does not end and cannot be killed.
    case unknown
  }

  // MARK: the process itself

  /// In bytes, of memory that is its own.
  private static let memoryLimit: rlim_t = 512 << 20
  /// In seconds.
  private static let processorLimit: rlim_t = 5

  private static func send<Value: Message>(
    _ user: TargetUser, _ own: Credentials, to pipe: CInt, parent: pid_t, _ body: () -> Value
  ) -> Never {
    do throws(SystemCallFailure) { try giveUp(user, own) } catch { _exit(ExitStatus.notPermitted) }
    // A start that is stopped leaves nobody behind.
    guard getppid() == parent else { _exit(1) }
    let message = body().message
    // Its length comes first, so that the end of it is known by that, and not by the end of the pipe.
    var rest = (length(of: message) + message)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        _exit(1)
      }
      rest = rest.dropFirst(count)
    }
    _exit(0)
  }

  /// Becomes the user for good, with no capability, and no way to get one or to start anything.
  private static func giveUp(_ user: TargetUser, _ own: Credentials) throws(SystemCallFailure) {
    var wanted = own
    (wanted.user, wanted.group) = (ProcessIDs(user.uid), ProcessIDs(user.gid))
    (wanted.groups, wanted.noNewPrivileges) = (user.groups, true)
    (wanted.permitted, wanted.effective) = ([], [])
    (wanted.inheritable, wanted.ambient) = ([], [])
    if own.effective.contains(.setpcap) {
      try ProcessCapabilities.dropBounding(own.bounding)
      wanted.bounding = []
    }
    if own.groups != user.groups { try ProcessIdentity.setGroups(user.groups) }
    if own.group != wanted.group { try ProcessIdentity.setGroup(user.gid) }
    if own.user != wanted.user { try ProcessIdentity.setUser(user.uid) }
    try ProcessCapabilities.set(permitted: [], inheritable: [])
    try ProcessCapabilities.setNoNewPrivileges()
    // Only now, as a change of ids takes it back (PR_SET_PDEATHSIG(2const)).
    try checked("prctl(PR_SET_PDEATHSIG)") {
      cap_prctlw(Int(PR_SET_PDEATHSIG), Int(SIGKILL), 0, 0, 0, 0)
    }
    // Of another process of the user's nothing is to be had by this one, nor of this one by it.
    try checked("prctl(PR_SET_DUMPABLE)") { cap_prctlw(Int(PR_SET_DUMPABLE), 0, 0, 0, 0, 0) }
    try limit(CInt(RLIMIT_CPU.rawValue), to: processorLimit)
    try limit(CInt(RLIMIT_DATA.rawValue), to: memoryLimit)
    try limit(CInt(RLIMIT_FSIZE.rawValue), to: 0)
    try limit(CInt(RLIMIT_CORE.rawValue), to: 0)
    guard try ProcessStatus.read() == wanted else {
      throw SystemCallFailure("setuid", .notPermitted)
    }
  }

  private static func limit(_ resource: CInt, to most: rlim_t) throws(SystemCallFailure) {
    var limit = rlimit()
    try checked("getrlimit") { getrlimit(resource, &limit) }
    limit = rlimit(rlim_cur: min(most, limit.rlim_cur), rlim_max: min(most, limit.rlim_max))
    try checked("setrlimit") { setrlimit(resource, &limit) }
  }

  // MARK: the process that waits for it

  /// How much it may say, in bytes: 20,000 listeners are about 2 MiB.
  static let messageLimit = 8 << 20
  /// How long it may take, in milliseconds.
  static let patience = 10_000

  private enum Received {
    case all([UInt8])
    case tooMuch
    case tooLate
    case broken(Errno)
  }

  private static func receive(from pipe: CInt, patience: Int) -> Received {
    let deadline = MonotonicTime.now + patience
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      if let length = length(in: bytes) {
        guard length <= messageLimit else { return .tooMuch }
        guard bytes.count < lengthSize + length else {
          // More than was announced is no message.
          return .all(Array(bytes.dropFirst(lengthSize)))
        }
      }
      var event = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
      let count = poll(&event, 1, CInt(deadline.remaining))
      if count == 0 { return .tooLate }
      let length = count < 0 ? -1 : read(pipe, &buffer, buffer.count)
      if length < 0 {
        if errno == EINTR { continue }
        return .broken(Errno(rawValue: errno))
      }
      if length == 0 { return .all([]) }
      bytes += buffer.prefix(length)
    }
  }

  /// In bytes.
  private static let lengthSize = 4

  private static func length(of message: [UInt8]) -> [UInt8] {
    (0..<lengthSize).map { UInt8(truncatingIfNeeded: message.count >> (8 * $0)) }
  }

  /// The length that the process has announced; nil where that is not there yet.
  private static func length(in bytes: [UInt8]) -> Int? {
    guard bytes.count >= lengthSize else { return nil }
    return (0..<lengthSize).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
  }

  /// How the process has ended, or ends now.
  ///
  /// What it has sent counts once it has ended by itself: that takes microseconds, unless it has been
  /// taken over. Root without cap_kill cannot kill it: then it is left, as what it may do is nothing.
  private static func wait(
    for child: pid_t, after received: Received, _ childSignal: sigset_t
  ) -> End {
    var status: CInt = 0
    var childSignal = childSignal
    var deadline = MonotonicTime.now
    if case .all = received { deadline = deadline + 1000 }
    while true {
      let ended = waitpid(child, &status, WNOHANG)
      if ended == child { return end(status) }
      if ended < 0, errno != EINTR { return .unknown }
      var rest = timespec(milliseconds: deadline.remaining)
      if deadline.remaining == 0 { break }
      sigtimedwait(&childSignal, nil, &rest)
    }
    guard kill(child, SIGKILL) == 0 else { return .unknown }
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return .unknown }
    }
    return end(status)
  }

  private static func end(_ status: CInt) -> End {
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal)
  }
}
