import Plan
import Text

/// A command that a child becomes, while this process stays its parent.
struct SupervisedCommand {
  /// The child.
  let process: RunningProcess
  /// Whose the terminal was that it has now.
  let terminal: Supervision.Terminal

  /// Forks, and returns when the command runs.
  ///
  /// This process gives up what it has before the child does anything: no command ever runs beside a
  /// supervisor with privileges. All signals are blocked meanwhile.
  ///
  /// - Parameters:
  ///   - retire: how this process gives up what it has.
  ///   - launch: what the child does, up to an exec, unless there is a failure already. It returns only with
  ///     the status of a failure, which it has reported.
  /// - Throws: ``StartFailure`` with that status; or with 128 + signal after a stop signal.
  static func start(
    retire: () throws(StartFailure) -> Void,
    launch: (
      _ parent: RunningProcess, _ terminal: Supervision.Terminal, _ failure: SystemCallFailure?
    ) -> Int32
  ) throws(StartFailure) -> SupervisedCommand {
    // Nobody can stop the first process of a container (pid_namespaces(7)).
    let isAlone = Terminal.isOwn || RunningProcess.isFirst
    let terminal: Supervision.Terminal =
      Terminal.isInForeground ? isAlone ? .own : .shared : .none
    let parent = RunningProcess.current
    let beginning = try pipe()
    let outcome = try pipe()
    let child: RunningProcess
    do throws(Errno) {
      child = try RunningProcess.fork {
        beginning.closeWriteEndOfChild()
        // A group of its own: a Ctrl-C reaches it once, and its end is that of all in it.
        RunningProcess.leadGroup()
        let status = launch(parent, terminal, failureToWait(for: beginning.readEnd))
        tell(status, to: outcome.writeEnd)
        RunningProcess.exit(status)
      }
    } catch {
      throw SystemCallFailure("fork", error).failure
    }
    let beginningOfChild = beginning.keepingWriteEnd()
    let outcomeOfChild = outcome.keepingReadEnd()
    do throws(StartFailure) {
      try lead(beginningOfChild, outcomeOfChild, after: retire)
    } catch {
      end(child, outcomeOfChild)
      throw error
    }
    return SupervisedCommand(process: child, terminal: terminal)
  }

  /// Gives up what this process has, has the child begin, and waits for its exec.
  private static func lead(
    _ beginning: consuming Descriptor, _ outcome: borrowing Descriptor,
    after retire: () throws(StartFailure) -> Void
  ) throws(StartFailure) {
    try retire()
    let status: Int32?
    do throws(Errno) {
      let stops = StopSignals.notIgnored
      if let stop = try stops.takeWaiting() {
        status = ExitStatus.signal(stop.number)
      } else {
        try beginning.write([1])
        status = try statusInsteadOfExec(outcome, stops)
      }
    } catch {
      throw SystemCallFailure("rt_sigtimedwait, write, signalfd, poll or read", error).failure
    }
    if let status { throw StartFailure(status: status) }
  }

  /// Waits until the exec closes the pipe, or the child hands over why there is none, or somebody stops the
  /// start.
  ///
  /// - Returns: nil after the exec.
  private static func statusInsteadOfExec(
    _ outcome: borrowing Descriptor, _ stops: SignalSet
  ) throws(Errno) -> Int32? {
    if try isReadable(outcome, before: try stops.descriptor()) {
      return try outcome.readOnce(upTo: 1).first.map { Int32($0) }
    }
    return try stops.takeWaiting().map { ExitStatus.signal($0.number) }
  }

  /// Ends a child that must not become the command, and waits for its end.
  private static func end(_ child: RunningProcess, _ outcome: borrowing Descriptor) {
    do throws(Errno) {
      do throws(Errno) { try child.send(.kill) } catch {
        // It is root's until it has changed its user, right before its exec.
        _ = try outcome.readOnce(upTo: 1)
        try child.send(.kill)
      }
      _ = try child.waitForEnd()
    } catch {
      // This process ends now, and the child with it (PR_SET_PDEATHSIG(2const)).
    }
  }

  private static func pipe() throws(StartFailure) -> Pipe {
    do throws(Errno) { return try Pipe() } catch {
      throw SystemCallFailure("pipe2", error).failure
    }
  }

  /// Waits until the parent has given up what it had; if it ends instead, so does this process.
  private static func failureToWait(for beginning: borrowing Descriptor) -> SystemCallFailure? {
    do throws(Errno) {
      if try beginning.readOnce(upTo: 1).isEmpty { RunningProcess.exit(1) }
      return nil
    } catch {
      return SystemCallFailure("read", error)
    }
  }

  /// Where nobody reads it, nobody needs it.
  private static func tell(_ status: Int32, to outcome: borrowing Descriptor) {
    do throws(Errno) { try outcome.write([UInt8(truncatingIfNeeded: status)]) } catch {}
  }
}
