import Capabilities
import Plan
import Text

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
    let pipe: Pipe
    do throws(Errno) { pipe = try Pipe() } catch { return .failure(.notStarted("pipe", error)) }
    // Blocked, so that its end can be waited for, and not for ever.
    let childSignal = SignalSet([.childEnded])
    let mask: SignalSet
    do throws(SystemCallFailure) { mask = try childSignal.block() } catch {
      return .failure(.notStarted(error.call, error.errno))
    }
    let outcome = fork(as: user, own: own, pipe, patience: patience, childSignal, body)
    do throws(SystemCallFailure) { try mask.restore() } catch {
      return .failure(.notStarted(error.call, error.errno))
    }
    return outcome
  }

  private static func fork<Value: Message>(
    as user: TargetUser, own: Credentials, _ pipe: consuming Pipe, patience: Int,
    _ childSignal: SignalSet, _ body: () -> Value
  ) -> Result<Value, Failure> {
    let parent = RunningProcess.current
    let child: RunningProcess
    do throws(Errno) {
      child = try RunningProcess.fork { send(user, own, to: pipe.writeEnd, parent: parent, body) }
    } catch {
      return .failure(.notStarted("fork", error))
    }
    let readEnd = pipe.keepingReadEnd()
    let received = receive(from: readEnd, patience: patience)
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
    case exited(Int32)
    case killed(Int32)
    /// Somebody ignores SIGCHLD, or it does not end and cannot be killed.
    case unknown

    init(_ end: ProcessEnd) {
      switch end {
      case .exited(let status): self = .exited(status)
      case .killed(let signal): self = .killed(signal.number)
      }
    }
  }

  // MARK: the process itself

  /// In bytes, of memory that is its own.
  private static let memoryLimit: UInt = 512 << 20
  /// In seconds.
  private static let processorLimit: UInt = 5

  private static func send<Value: Message>(
    _ user: TargetUser, _ own: Credentials, to pipe: borrowing Descriptor, parent: RunningProcess,
    _ body: () -> Value
  ) -> Never {
    do throws(SystemCallFailure) { try giveUp(user, own, parent: parent) } catch {
      RunningProcess.exit(ExitStatus.notPermitted)
    }
    let message = body().message
    // Its length comes first, so that the end of it is known by that, and not by the end of the pipe.
    do throws(Errno) { try pipe.write(length(of: message) + message) } catch {
      RunningProcess.exit(1)
    }
    RunningProcess.exit(0)
  }

  /// Becomes the user for good, with no capability, and no way to get one or to start anything.
  private static func giveUp(
    _ user: TargetUser, _ own: Credentials, parent: RunningProcess
  ) throws(SystemCallFailure) {
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
    try ProcessAttribute.setNoNewPrivileges()
    // A start that is stopped leaves nobody behind. Only now, as a change of ids takes it back.
    try ProcessAttribute.endWith(parent)
    // Of another process of the user's nothing is to be had by this one, nor of this one by it.
    try ProcessAttribute.forbidTracing()
    try ResourceLimit.processorTime.lower(to: processorLimit)
    try ResourceLimit.memory.lower(to: memoryLimit)
    try ResourceLimit.fileSize.lower(to: 0)
    try ResourceLimit.coreDump.lower(to: 0)
    guard try ProcessStatus.read() == wanted else {
      throw SystemCallFailure("setuid", .notPermitted)
    }
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

  private static func receive(from pipe: borrowing Descriptor, patience: Int) -> Received {
    let deadline = MonotonicTime.now + patience
    var bytes: [UInt8] = []
    while true {
      if let length = length(in: bytes) {
        guard length <= messageLimit else { return .tooMuch }
        guard bytes.count < lengthSize + length else {
          // More than was announced is no message.
          return .all(Array(bytes.dropFirst(lengthSize)))
        }
      }
      do throws(Errno) {
        guard try pipe.isReadable(until: deadline) else { return .tooLate }
        let piece = try pipe.readOnce(upTo: 4096)
        if piece.isEmpty { return .all([]) }
        bytes += piece
      } catch {
        return .broken(error)
      }
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
    for child: RunningProcess, after received: Received, _ childSignal: SignalSet
  ) -> End {
    var deadline = MonotonicTime.now
    if case .all = received { deadline = deadline + 1000 }
    do throws(Errno) {
      while true {
        if let end = try child.end() { return End(end) }
        if deadline.remaining == 0 { break }
        do throws(SystemCallFailure) { _ = try childSignal.wait(until: deadline) } catch {
          MonotonicTime.pause()
        }
      }
      try child.send(.kill)
      return End(try child.waitForEnd())
    } catch {
      return .unknown
    }
  }
}
