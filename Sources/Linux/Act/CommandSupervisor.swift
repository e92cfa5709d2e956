import Kong
import Plan
import Text

/// Waits for signals and for the end of a command, and does what ``Supervision`` decides.
struct CommandSupervisor {
  private let command: RunningProcess
  private let prefix: Prefix?
  private let log: Log
  /// The count of ``OutOfMemoryKills`` before the command began; nil if the kernel does not give it.
  private let outOfMemoryKills: Int?
  private var supervision: Supervision
  private let hasTerminal: Bool
  private let isFirstProcess = RunningProcess.isFirst
  private var isGroupGone = false
  private var hasKilled = false

  /// How often it checks, after the command's end, whether processes that are not its children still run.
  private static let interval = TimeSpan(milliseconds: 10)

  init(_ supervisor: Supervisor, _ command: SupervisedCommand, outOfMemoryKills: Int?, log: Log) {
    self.command = command.process
    self.outOfMemoryKills = outOfMemoryKills
    self.log = log
    prefix = supervisor.prefix
    supervision = Supervision(supervisor.policy, terminal: command.terminal)
    hasTerminal = command.terminal != .none
  }

  /// Stays until the command has ended, and ends this process with its status.
  ///
  /// Only signals, which are all blocked, and deadlines wake it.
  mutating func run() throws(SystemCallFailure) -> Never {
    do throws(SystemCallFailure) { try superviseForEver() } catch {
      // A command that nobody supervises must not go on.
      sendToGroup(.kill)
      throw error
    }
  }

  private mutating func superviseForEver() throws(SystemCallFailure) -> Never {
    while true {
      switch try SignalSet.all.wait(until: wakeUp) {
      case Signal.childEnded: try look()
      case let signal?: handle(.signal(signal))
      case nil: handle(.deadline)
      }
      if supervision.commandEnd != nil, !isAnythingLeft { handle(.nothingLeft) }
    }
  }

  private var wakeUp: MonotonicTime? {
    guard let deadline = supervision.deadline.map({ MonotonicTime(milliseconds: $0) }) else {
      return nil
    }
    guard supervision.commandEnd != nil else { return deadline }
    let next = MonotonicTime.now + CommandSupervisor.interval.milliseconds
    return deadline.milliseconds < next.milliseconds ? deadline : next
  }

  // MARK: events

  /// One CHLD can announce the ends of many children.
  private mutating func look() throws(SystemCallFailure) {
    do throws(Errno) {
      while let (process, change) = try RunningProcess.nextChange() {
        guard process == command else { continue }
        switch change {
        case .stopped(let signal): handle(.commandStopped(by: signal))
        case .ended(let end):
          reportOutOfMemory(end)
          handle(.commandEnded(end))
        }
      }
    } catch {
      throw SystemCallFailure("waitpid", error)
    }
  }

  private mutating func handle(_ event: Supervision.Event) {
    for action in supervision.actions(for: event, at: MonotonicTime.now.milliseconds) {
      carryOut(action)
    }
  }

  /// Whether there are processes to wait for: those of the command's group, and, in the first process of a
  /// container, those that `docker exec` started, because its end kills them.
  private var isAnythingLeft: Bool {
    mutating get {
      if !isGroupGone { isGroupGone = !command.hasGroup }
      return !isGroupGone || isFirstProcess && RunningProcess.areOthers
    }
  }

  private func reportOutOfMemory(_ end: ProcessEnd) {
    guard end == .killed(.kill), !hasKilled, let before = outOfMemoryKills,
      let now = OutOfMemoryKills.count(), now > before
    else { return }
    log.error(
      Explanation(
        what: "the kernel killed the command because memory ran out",
        why:
          "the memory limit of the container, or of the node, was reached (oom_kill of its control"
          + " group rose by \(now - before))",
        waysOut: [
          "raise the container's memory limit: docker run --memory, Kubernetes limits.memory"
        ]))
  }

  // MARK: actions

  private mutating func carryOut(_ action: Supervision.Action) {
    switch action {
    case .send(let signal): send(signal)
    case .sendToGroup(let signal): sendToGroup(signal)
    case .stopLikeCommand: stop()
    case .continueCommand: continueCommand()
    case .report(let notice): report(notice)
    case .end(let status): end(status)
    }
  }

  /// The command has not been waited for yet, so no other process can have its number.
  private mutating func send(_ signal: Signal) {
    if signal == .kill { hasKilled = true }
    do throws(Errno) { try command.send(signal) } catch {
      if error == .noSuchProcess { return }
      warn(
        Explanation(
          what: "cannot send \(signal.name) to the command",
          why: "kill failed: \(error.description)",
          waysOut: [
            "as root, keep cap_kill: docker run --cap-add KILL",
            "have entrypoint change the user, so that the command need not: --user",
          ]))
    }
  }

  /// After the group is gone, another group can get its number.
  private mutating func sendToGroup(_ signal: Signal) {
    if isGroupGone { return }
    do throws(Errno) { try command.sendToGroup(signal) } catch {
      isGroupGone = error == .noSuchProcess
    }
  }

  /// Stops this process until the shell continues it; CONT is then the next signal.
  private func stop() {
    do throws(Errno) { try RunningProcess.current.send(.stop) } catch {}
  }

  /// By now the shell has given the terminal back to this process's group.
  private mutating func continueCommand() {
    if hasTerminal, Terminal.isInForeground {
      giveTerminal { () throws(SystemCallFailure) in
        try Terminal.give(toGroup: command.number)
      }
    }
    sendToGroup(.resume)
  }

  private func report(_ notice: Supervision.Notice) {
    if case .delay = notice {
      log.info(notice.explanation.what)
      SignalSet.forgetBrokenPipe()
    } else {
      warn(notice.explanation)
    }
  }

  /// If nobody reads standard error any more, this process gets PIPE, which must not go to the command.
  private func warn(_ explanation: Explanation) {
    log.warning(explanation)
    SignalSet.forgetBrokenPipe()
  }

  /// The script that started this process may read the terminal next.
  private func end(_ status: Int32) -> Never {
    if hasTerminal { giveTerminal { () throws(SystemCallFailure) in try Terminal.take() } }
    removeWhatIsLeft()
    RunningProcess.exit(status)
  }

  /// Ignores a failure: the terminal may be gone, and then nobody needs it.
  private func giveTerminal(_ call: () throws(SystemCallFailure) -> Void) {
    do throws(SystemCallFailure) { try call() } catch {}
  }

  /// An nginx that was killed leaves its pid file and sockets; one that ended by itself does not.
  private func removeWhatIsLeft() {
    guard let prefix, case .killed = supervision.commandEnd else { return }
    if let warning = StalePid.remove(in: prefix.path).warning(prefix: prefix.path) {
      log.warning(warning)
    }
    for warning in StaleSockets.remove(in: prefix.path).warnings(prefix: prefix.path) {
      log.warning(warning)
    }
  }
}
