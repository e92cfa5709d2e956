package import Capabilities
package import Kong
package import Text

/// One thing that a start does.
///
/// The executor carries steps out as they are, it decides nothing.
package indirect enum Step: Equatable, Sendable {
  /// Fork; the child carries out steps that end in an exec, and is waited for (fork(2), wait(2)).
  /// A stop signal is passed on to it, and ends the start with it. Where `endsOrphans`, the processes that
  /// it leaves running are killed.
  case run([Step], endsOrphans: Bool)
  /// Give the prefix, and what is in it, to a user and a group, where it is not theirs already. What
  /// cannot be given is warned of: `kong prepare` says itself what it cannot write.
  case givePrefix(Prefix, to: UInt32, group: UInt32)
  /// Give a stream's file to a user: fchown(2). It may fail: the command says itself what it cannot
  /// open, and nothing more is granted by going on.
  case giveStream(StandardStream, to: UInt32)
  /// Write exactly this set, permitted and effective, to a program's file (cap_set_fd(3)).
  case setFileCapabilities(CapabilitySet, ProgramFile)
  /// Take all capabilities off a program's file (cap_set_fd(3)).
  case removeFileCapabilities(ProgramFile)
  /// Take these out of the bounding set, for good (PR_CAPBSET_DROP(2const)).
  case dropBounding(CapabilitySet, keeping: CapabilitySet)
  /// Let the permitted set survive the change of user (PR_SET_KEEPCAPS(2const)).
  case keepCapabilities
  /// setgroups(2).
  case setGroups([UInt32])
  /// setgid(2): real, effective and saved, as this process has cap_setgid.
  case setGroup(UInt32)
  /// setuid(2): real, effective and saved, as this process has cap_setuid.
  case setUser(UInt32)
  /// Make permitted and inheritable exactly this, and effective empty (capset(2)).
  case setCapabilities(permitted: CapabilitySet, inheritable: CapabilitySet)
  /// PR_CAP_AMBIENT_CLEAR_ALL(2const).
  case clearAmbient
  /// PR_CAP_AMBIENT_RAISE(2const).
  case raiseAmbient(CapabilitySet)
  /// PR_SET_NO_NEW_PRIVS(2const).
  case setNoNewPrivileges
  /// Be killed when the parent ends (PR_SET_PDEATHSIG(2const)). A change of user would undo it.
  case endWithParent
  /// Close all descriptors above 2 but these (close_range(2)).
  case closeDescriptors(keeping: [Int32])
  /// Remove nginx's pid file in the prefix, unless it names a running nginx of this prefix: `kong health`
  /// goes by it. What cannot be removed is warned of.
  case removeStalePid(Prefix)
  /// Remove sockets in the prefix that nobody listens on: nginx could not bind there. What cannot be
  /// removed is warned of.
  case removeStaleSockets(Prefix)
  /// Make Kong's log files in the prefix links to the standard streams. What cannot be linked is
  /// warned of.
  case linkLogs(Prefix)
  /// Read the credentials back, and end the start unless they are these.
  case verify(Credentials)
  /// execve(2).
  case exec(Execution)
}

/// A program to exec.
package struct Execution: Equatable, Sendable {
  /// The file.
  package var path: ByteString
  /// argv, the name first.
  package var arguments: [ByteString]
  /// What is changed in the environment; the rest is passed on as it came.
  package var environment: [EnvironmentChange]

  /// The command line for people.
  package var commandLine: String {
    arguments.map { $0.description }.joined(separator: " ")
  }
}

extension Credentials {
  /// What a thread has after a step, by the rules of capabilities(7) and credentials(7).
  ///
  /// Steps that do not act on the thread itself change nothing.
  package func after(_ step: Step) -> Credentials {
    var state = self
    switch step {
    case .run, .givePrefix, .giveStream, .setFileCapabilities, .removeFileCapabilities,
      .endWithParent, .closeDescriptors, .removeStalePid, .removeStaleSockets, .linkLogs, .verify,
      .exec:
      break
    case .dropBounding(let set, _):
      state.bounding.subtract(set)
    case .keepCapabilities:
      state.securebits.insert(.keepCapabilities)
    case .setGroups(let groups):
      state.groups = groups.sorted()
    case .setGroup(let gid):
      state.group = ProcessIDs(gid)
    case .setUser(let uid):
      state.changeUser(to: uid)
    case .setCapabilities(let permitted, let inheritable):
      state.permitted = permitted
      state.effective = []
      state.inheritable = inheritable
      state.ambient.formIntersection(permitted.intersection(inheritable))
    case .clearAmbient:
      state.ambient = []
    case .raiseAmbient(let set):
      state.ambient.formUnion(set)
    case .setNoNewPrivileges:
      state.noNewPrivileges = true
    }
    return state
  }

  /// capabilities(7), "Effect of user ID changes on capabilities".
  private mutating func changeUser(to uid: UInt32) {
    let before = user
    user = ProcessIDs(uid)
    guard !securebits.contains(.noSetuidFixup) else { return }
    if before.includesRoot, uid != 0 {
      if !securebits.contains(.keepCapabilities) {
        permitted = []
        effective = []
      }
      ambient = []
    }
    if before.effective == 0, uid != 0 { effective = [] }
    if before.effective != 0, uid == 0 { effective = permitted }
  }
}

extension [Step] {
  /// The user that the steps change to; nil if they do not.
  package var targetUser: UInt32? {
    for case .setUser(let uid) in self { return uid }
    return nil
  }

  /// What a thread has after all these steps.
  package func credentials(from start: Credentials) -> Credentials {
    reduce(start) { $0.after($1) }
  }
}
