package import Text

/// The decisions of a supervisor, without any system call.
///
/// An event and the time go in, actions come out. The time is in milliseconds, from any fixed moment.
package struct Supervision: Equatable, Sendable {
  /// Something that has happened.
  package enum Event: Equatable, Sendable {
    /// The supervisor got a signal. CHLD is not reported here: it announces one of the next two events.
    case signal(Signal)
    /// A signal has stopped the command (WUNTRACED of waitpid(2)).
    case commandStopped(by: Signal)
    case commandEnded(ProcessEnd)
    /// The command has ended, and no process is left that the supervisor waits for.
    case nothingLeft
    /// The deadline has passed.
    case deadline
  }

  /// Something to do.
  package enum Action: Equatable, Sendable {
    /// Send it to the command.
    case send(Signal)
    /// Send it to the command's process group.
    case sendToGroup(Signal)
    /// Stop this process, too, so that the shell that started it notices.
    case stopLikeCommand
    /// Give the terminal to the command again, and continue its process group.
    case continueCommand
    case report(Notice)
    /// End with this status.
    case end(Int32)
  }

  /// A message for the log.
  package enum Notice: Equatable, Sendable {
    /// The command runs on for a time, and then gets its stop signal.
    case delay(of: TimeSpan, Signal, until: Signal)
    /// It has not ended in time.
    case timeout(TimeSpan)
    /// It has not ended by TERM either.
    case killed
    /// It has not even ended by KILL.
    case leftRunning
  }

  private enum Phase: Equatable, Sendable {
    case running
    /// The supervisor got a signal to stop, and sends the command's stop signal later.
    case delayed(Signal, until: Int)
    /// The command got its stop signal.
    case stopping
    /// The command has ended; what is left of its group may run until then.
    case ended(ProcessEnd, until: Int)
    case over
  }

  /// What happens next to a command that does not end.
  private enum Escalation: Equatable, Sendable {
    case none
    case terminate(at: Int)
    case kill(at: Int)
    case leave(at: Int)

    var time: Int? {
      switch self {
      case .none: nil
      case .terminate(let time), .kill(let time), .leave(let time): time
      }
    }
  }

  /// Who had the terminal before the command got it.
  package enum Terminal: Equatable, Sendable {
    /// There is no terminal, or the command does not get it.
    case none
    /// A shell, which notices that the supervisor stops, and continues it.
    case shared
    /// The supervisor alone, as in `docker run -it`: nobody would continue a command that Ctrl-Z stopped.
    case own
  }

  private let policy: StopPolicy
  private let terminal: Terminal
  private var phase = Phase.running
  private var escalation = Escalation.none
  private var isCommandStopped = false
  private var hasStoppedLikeCommand = false

  package init(_ policy: StopPolicy, terminal: Terminal) {
    self.policy = policy
    self.terminal = terminal
  }

  /// When the next ``Event/deadline`` is due; nil if only another event changes anything.
  package var deadline: Int? {
    switch phase {
    case .running, .stopping: escalation.time
    case .delayed(_, let time): min(time, escalation.time ?? time)
    case .ended(_, let time): time
    case .over: nil
    }
  }

  /// How the command ended; nil while it runs.
  package private(set) var commandEnd: ProcessEnd?

  /// Updates the state after an event, and returns what to do.
  package mutating func actions(for event: Event, at now: Int) -> [Action] {
    switch (event, phase) {
    case (_, .over): return []
    case (.nothingLeft, .ended(let end, _)):
      phase = .over
      return [.end(end.status)]
    case (.deadline, .ended(let end, let time)):
      guard now >= time else { return [] }
      phase = .over
      return [.sendToGroup(.kill), .end(end.status)]
    case (_, .ended), (.nothingLeft, _): return []
    case (.commandEnded(let end), _):
      commandEnd = end
      phase = .ended(end, until: now + StopPolicy.patience.milliseconds)
      return [.sendToGroup(.terminate), .sendToGroup(.resume)]
    case (.commandStopped(let signal), _): return actionsAfterStop(by: signal)
    case (.deadline, _): return actionsAtDeadline(now)
    case (.signal(let signal), _): return actions(for: signal, at: now)
    }
  }

  // MARK: signals

  private mutating func actionsAfterStop(by signal: Signal) -> [Action] {
    if terminal == .own, signal == .terminalStop { return [.continueCommand] }
    isCommandStopped = true
    hasStoppedLikeCommand = terminal == .shared
    return hasStoppedLikeCommand ? [.stopLikeCommand] : []
  }

  private mutating func actions(for signal: Signal, at now: Int) -> [Action] {
    switch signal {
    case .childEnded: return []
    case .terminate, .quit: return stop(signal, at: now)
    case .interrupt where policy.stopsAtInterrupt:
      beginEscalation(at: now)
      phase = .stopping
      return send(.terminate)
    case .resume:
      defer { (isCommandStopped, hasStoppedLikeCommand) = (false, false) }
      return hasStoppedLikeCommand ? [.continueCommand] : [.send(.resume)]
    default: return [.send(signal)]
    }
  }

  private mutating func stop(_ signal: Signal, at now: Int) -> [Action] {
    beginEscalation(at: now)
    let own = policy.signal ?? signal
    if phase == .running, policy.delay > .zero {
      phase = .delayed(own, until: now + policy.delay.milliseconds)
      return [.report(.delay(of: policy.delay, signal, until: own))]
    }
    phase = .stopping
    return send(own)
  }

  private mutating func beginEscalation(at now: Int) {
    guard escalation == .none, let timeout = policy.timeout else { return }
    escalation = .terminate(at: now + timeout.milliseconds)
  }

  /// A stopped command handles a signal only after it is continued.
  private mutating func send(_ signal: Signal) -> [Action] {
    guard isCommandStopped else { return [.send(signal)] }
    isCommandStopped = false
    return [.send(signal), .continueCommand]
  }

  // MARK: time

  private mutating func actionsAtDeadline(_ now: Int) -> [Action] {
    if let time = escalation.time, now >= time { return escalate(now) }
    guard case .delayed(let signal, let time) = phase, now >= time else { return [] }
    phase = .stopping
    return send(signal)
  }

  private mutating func escalate(_ now: Int) -> [Action] {
    let next = now + StopPolicy.patience.milliseconds
    switch escalation {
    case .none: return []
    case .terminate:
      escalation = .kill(at: next)
      phase = .stopping
      return [.report(.timeout(policy.timeout ?? .zero))] + send(.terminate)
    case .kill:
      escalation = .leave(at: next)
      return [.report(.killed), .sendToGroup(.kill), .send(.kill)]
    case .leave:
      phase = .over
      return [.report(.leftRunning), .end(ProcessEnd.killed(.kill).status)]
    }
  }
}

/// How a process ended (wait(2)).
package enum ProcessEnd: Equatable, Sendable {
  case exited(Int32)
  case killed(Signal)

  /// The exit status of a shell for this end: 128 + signal if a signal ended it.
  package var status: Int32 {
    switch self {
    case .exited(let status): status
    case .killed(let signal): ExitStatus.signal(signal.number)
    }
  }
}

extension Supervision.Notice {
  /// The notice in words.
  package var explanation: Explanation {
    switch self {
    case .delay(let delay, let signal, let own):
      Explanation(
        what: "\(signal.name): the command runs on for \(delay.text), then it gets \(own.name)",
        why: "", waysOut: [])
    case .timeout(let timeout):
      Explanation(
        what: "the command has not ended \(timeout.text) after the signal to stop; it gets TERM",
        why: "something keeps it running, such as a WebSocket or a long download",
        waysOut: ["give it more time: --stop-timeout, ENTRYPOINT_STOP_TIMEOUT"])
    case .killed:
      Explanation(
        what:
          "the command has not ended \(StopPolicy.patience.text) after TERM; it gets KILL",
        why: "it ignores TERM, or it waits for a disk or a server",
        waysOut: ["find out what it waits for"])
    case .leftRunning:
      Explanation(
        what: "the command has not ended after KILL; this process ends without it",
        why: "it is blocked in the kernel, or this process cannot signal it",
        waysOut: ["find out what it waits for, and as which user it runs"])
    }
  }
}
