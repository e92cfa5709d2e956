import Plan
import Text

/// A command that runs in a child, while this process stays its parent.
struct SupervisedCommand {
  /// The child.
  let process: RunningProcess
  /// Who had the terminal before the command got it.
  let terminal: Supervision.Terminal

  /// Forks, and returns when the command runs.
  ///
  /// This process gives up its privileges before the child does anything, so that no command ever runs
  /// beside a supervisor with privileges. All signals are blocked meanwhile.
  ///
  /// - Parameters:
  ///   - retire: gives up the privileges of this process.
  ///   - launch: what the child does, up to its exec, unless there is a failure already. It returns only after a
  ///     failure, which it has reported, with the exit status.
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
        // In a group of its own, it gets a Ctrl-C once, and its descendants can be signalled together.
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

  /// Closes what this process got, gives up privileges, lets the child begin, and waits for its exec.
  private static func lead(
    _ beginning: consuming Descriptor, _ outcome: borrowing Descriptor,
    after retire: () throws(StartFailure) -> Void
  ) throws(StartFailure) {
    do { try OpenDescriptors.close(keeping: beginning, outcome) } catch { throw error.failure }
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

  /// Waits until the exec closes the pipe, the child writes the status of a failure, or a stop signal
  /// arrives.
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
        // Until the child has changed its user, right before its exec, only root can signal it.
        _ = try outcome.readOnce(upTo: 1)
        try child.send(.kill)
      }
      _ = try child.waitForEnd()
    } catch {
      // This process ends now, and the kernel then kills the child (PR_SET_PDEATHSIG(2const)).
    }
  }

  private static func pipe() throws(StartFailure) -> Pipe {
    do throws(Errno) { return try Pipe() } catch {
      throw SystemCallFailure("pipe2", error).failure
    }
  }

  /// Waits until the parent has given up its privileges; if it ends instead, so does this process.
  private static func failureToWait(for beginning: borrowing Descriptor) -> SystemCallFailure? {
    do throws(Errno) {
      if try beginning.readOnce(upTo: 1).isEmpty { RunningProcess.exit(1) }
      return nil
    } catch {
      return SystemCallFailure("read", error)
    }
  }

  /// Ignores a failure: if the parent has ended, nobody needs the status.
  private static func tell(_ status: Int32, to outcome: borrowing Descriptor) {
    do throws(Errno) { try outcome.write([UInt8(truncatingIfNeeded: status)]) } catch {}
  }
}
