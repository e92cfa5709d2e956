package import Capabilities
package import Kong
package import Services
package import Text

/// One thing that a start does.
///
/// The executor carries steps out unchanged; it decides nothing.
package indirect enum Step: Equatable, Sendable {
  /// Change what this process is and may do.
  case change(CredentialChange)
  /// Change a file for the programs that follow.
  case changeFile(FileChange)
  /// Do something in Kong's prefix, as its user.
  case inPrefix(Prefix, PrefixAct)
  /// Fork a child that carries out steps that end in an exec, and wait for it (fork(2), wait(2)). A
  /// stop signal is passed on to it, and ends the start. With `endsOrphans`, processes that the
  /// child leaves running are killed.
  case run([Step], endsOrphans: Bool)
  /// Fork; the child carries out steps that end in an exec, and this process gives up what it has and
  /// supervises the child until it ends.
  case supervise(Supervisor, [Step])
  /// Wait until services answer, or end the start.
  case wait(ServiceWait)
  /// Be killed when the parent ends (PR_SET_PDEATHSIG(2const)). A change of user would undo it.
  case endWithParent
  /// Close all descriptors above 2 but these (close_range(2)).
  case closeDescriptors(keeping: [DescriptorNumber])
  /// Read the credentials back, and end the start unless they are these.
  case verify(Credentials)
  /// execve(2).
  case exec(Execution)
}

/// A change of a file's owner or of its capabilities.
package enum FileChange: Equatable, Sendable {
  /// Give the prefix and its contents to a user and a group, unless they own them already. What
  /// cannot be given is warned of, and the start goes on: `kong prepare` reports what it cannot
  /// write.
  case givePrefix(Prefix, to: UInt32, group: UInt32)
  /// Give a stream's file to a user: fchown(2). It may fail: the command reports what it cannot
  /// open, and going on grants nothing more.
  case giveStream(StandardStream, to: UInt32)
  /// Write exactly this set, permitted and effective, to a program's file (cap_set_fd(3)).
  case setCapabilities(CapabilitySet, ProgramFile)
  /// Take all capabilities off a program's file (cap_set_fd(3)).
  case removeCapabilities(ProgramFile)

  /// The capability that the kernel demands for the change.
  var requiredCapability: Capability {
    switch self {
    case .givePrefix, .giveStream: .chown
    case .setCapabilities, .removeCapabilities: .setfcap
    }
  }
}

/// What the prefix's own user does in it before nginx starts.
///
/// A failure is warned of, and the start goes on.
package enum PrefixAct: Equatable, Sendable {
  /// Remove nginx's pid file, unless it names a running nginx of this prefix: `kong health` goes by it.
  case removeStalePid
  /// Remove sockets that nobody listens on: nginx could not bind there.
  case removeStaleSockets
  /// Make Kong's log files links to the standard streams.
  case linkLogs
}

/// A program to exec.
package struct Execution: Equatable, Sendable {
  /// The file.
  package var path: ByteString
  /// argv, the name first.
  package var arguments: [ByteString]
  /// The changes to the environment; the rest is passed on unchanged.
  package var environment: [EnvironmentChange]

  /// The command line for people.
  package var commandLine: String {
    arguments.map { $0.description }.joined(separator: " ")
  }
}

extension [Step] {
  /// The changes of this process's own credentials, in order; not those of the children.
  private var changes: [CredentialChange] {
    compactMap { if case .change(let change) = $0 { change } else { nil } }
  }

  /// The user that the steps change to; nil if they do not.
  package var targetUser: UInt32? {
    for case .setUser(let uid) in changes { return uid }
    return nil
  }

  /// What a thread has after all these steps.
  package func credentials(from start: Credentials) -> Credentials {
    changes.reduce(start) { $0.after($1) }
  }

  /// The program that the steps end in.
  package var execution: Execution? {
    switch last {
    case .exec(let execution): execution
    case .supervise(_, let steps): steps.execution
    default: nil
    }
  }

  /// What a child is for, in words: its command line, or what it waits for.
  package var purpose: String {
    if case .wait(let wait) = last { return "wait for \(wait.subject)" }
    return execution?.commandLine ?? ""
  }

  /// The capabilities that the kernel demands for these steps, those of children among them.
  var requiredCapabilities: CapabilitySet {
    var set: CapabilitySet = []
    for step in self {
      if case .change(let change) = step, let required = change.requiredCapability {
        set.formUnion(CapabilitySet(required))
      }
      if case .changeFile(let change) = step {
        set.formUnion(CapabilitySet(change.requiredCapability))
      }
      if case .run(let steps, _) = step { set.formUnion(steps.requiredCapabilities) }
      if case .supervise(let supervisor, let steps) = step {
        set.formUnion(supervisor.steps.requiredCapabilities.union(steps.requiredCapabilities))
      }
    }
    return set
  }
}
