import Capabilities
import Plan
import Text

/// A process without any privileges that reads files and sends back the result.
///
/// Code that parses another user's file must have nothing that this user could gain. If the process
/// crashes, hangs or sends garbage, only its result is lost.
enum ConfinedProcess {
  /// Reads in such a process.
  ///
  /// - Parameters:
  ///   - user: a user that could read the files itself.
  ///   - own: who this process is.
  ///   - patience: how long it may take, in milliseconds.
  ///   - kept: capabilities that it keeps, of those that this process has. Nothing that another user has
  ///     written may be read then.
  ///   - body: what the process does; its changes are lost.
  /// - Returns: the result of `body`, or why there is none.
  static func run<Value: Message>(
    as user: TargetUser, own: Credentials, patience: Int = patience,
    keeping kept: CapabilitySet = [],
    _ body: () -> Value
  ) -> Result<Value, Failure> {
    let pipe: Pipe
    do throws(Errno) { pipe = try Pipe() } catch { return .failure(.notStarted("pipe", error)) }
    // Blocked, so that its end can be waited for with a limit.
    let childSignal = SignalSet([.childEnded])
    let mask: SignalSet
    do throws(SystemCallFailure) { mask = try childSignal.block() } catch {
      return .failure(.notStarted(error.call, error.errno))
    }
    let identity = Identity(user: user, own: own, kept: kept.intersection(own.permitted))
    let outcome = fork(as: identity, pipe, patience: patience, childSignal, body)
    do throws(SystemCallFailure) { try mask.restore() } catch {
      return .failure(.notStarted(error.call, error.errno))
    }
    return outcome
  }

  private static func fork<Value: Message>(
    as identity: Identity, _ pipe: consuming Pipe, patience: Int, _ childSignal: SignalSet,
    _ body: () -> Value
  ) -> Result<Value, Failure> {
    let parent = RunningProcess.current
    let child: RunningProcess
    do throws(Errno) {
      child = try RunningProcess.fork { send(identity, to: pipe.writeEnd, parent: parent, body) }
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
    case (.tooLate, _): return .failure(.tooLate(milliseconds: patience))
    case (.broken(let reason), _): return .failure(.notStarted("read", reason))
    case (.all, let end): return .failure(.ended(end))
    }
  }

  /// Why nothing was read.
  enum Failure: Error, Equatable {
    case notStarted(String, Errno)
    case ended(End)
    case tooLate(milliseconds: Int)
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
      case .tooLate(let limit):
        return "\(process) has not finished within \(TimeSpan(milliseconds: limit).text)"
      case .tooMuch: return "\(process) sent more than \(messageLimit >> 20) MiB"
      case .malformed: return "\(process) sent an invalid answer"
      }
    }
  }

  /// How the process ended (wait(2)).
  enum End: Equatable {
    case exited(Int32)
    case killed(Int32)
    /// SIGCHLD is ignored, or the process does not end and cannot be killed.
    case unknown

    init(_ end: ProcessEnd) {
      switch end {
      case .exited(let status): self = .exited(status)
      case .killed(let signal): self = .killed(signal.number)
      }
    }
  }

  // MARK: the process itself

  /// In bytes, of private memory.
  private static let memoryLimit: UInt = 512 << 20
  /// In seconds.
  private static let processorLimit: UInt = 5

  private static func send<Value: Message>(
    _ identity: Identity, to pipe: borrowing Descriptor, parent: RunningProcess, _ body: () -> Value
  ) -> Never {
    do throws(SystemCallFailure) { try giveUp(identity, parent: parent) } catch {
      RunningProcess.exit(ExitStatus.notPermitted)
    }
    let message = body().message
    // The length comes first, so that it, and not the end of the pipe, marks the end of the message.
    do throws(Errno) { try pipe.write(length(of: message) + message) } catch {
      RunningProcess.exit(1)
    }
    RunningProcess.exit(0)
  }

  /// Who this process is, and who it becomes.
  private struct Identity {
    var user: TargetUser
    var own: Credentials
    var kept: CapabilitySet
  }

  /// Becomes the user for good, without capabilities but those that are kept, and without a way to get
  /// one.
  private static func giveUp(
    _ identity: Identity, parent: RunningProcess
  ) throws(SystemCallFailure) {
    let (user, own, kept) = (identity.user, identity.own, identity.kept)
    var wanted = own
    (wanted.user, wanted.group) = (ProcessIDs(user.uid), ProcessIDs(user.gid))
    (wanted.groups, wanted.noNewPrivileges) = (user.groups, true)
    (wanted.permitted, wanted.effective) = (kept, kept)
    (wanted.inheritable, wanted.ambient) = ([], [])
    if own.effective.contains(.setpcap) {
      try ProcessCapabilities.dropBounding(own.bounding)
      wanted.bounding = []
    }
    if own.groups != user.groups { try ProcessIdentity.setGroups(user.groups) }
    if own.group != wanted.group { try ProcessIdentity.setGroup(user.gid) }
    let isOtherUser = own.user != wanted.user
    if isOtherUser, !kept.isEmpty { try ProcessAttribute.keepCapabilities() }
    if isOtherUser { try ProcessIdentity.setUser(user.uid) }
    if isOtherUser, !kept.isEmpty { try ProcessAttribute.keepCapabilities(false) }
    try ProcessCapabilities.set(permitted: kept, inheritable: [], effective: kept)
    try ProcessAttribute.setNoNewPrivileges()
    // A stopped start leaves no process behind. Only now, because a change of ids resets it.
    try ProcessAttribute.endWith(parent)
    // Other processes of the user must not look into this one.
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

  /// The longest message, in bytes: 20,000 listeners are about 2 MiB.
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
          // If there is more than was announced, the message is malformed.
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

  /// The length that the process has announced; nil if it has not arrived yet.
  private static func length(in bytes: [UInt8]) -> Int? {
    guard bytes.count >= lengthSize else { return nil }
    return (0..<lengthSize).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
  }

  /// Waits for the process to end, and kills it if it does not.
  ///
  /// Its message counts once it has ended by itself, which takes microseconds unless it was taken over.
  /// Root without cap_kill cannot kill it; then it stays, because it may do nothing.
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
