package import Capabilities
import Kong
import Services
package import Plan
import Text

extension Step {
  /// The step's name in reports: one word for each kind.
  package var name: String {
    switch self {
    case .change(let change): change.name
    case .changeFile(let change): change.name
    case .inPrefix(_, let act): act.name
    case .run: "run"
    case .supervise: "supervise"
    case .wait: "wait-for"
    case .endWithParent: "end-with-parent"
    case .closeDescriptors: "close-descriptors"
    case .verify: "verify"
    case .exec: "exec"
    }
  }

  /// What exactly it does, for people.
  package func detail(_ names: CapabilityNames) -> String {
    switch self {
    case .change(let change):
      return change.detail(names)
    case .changeFile(let change):
      return change.detail(names)
    case .inPrefix(let prefix, let act):
      return act.detail(in: prefix)
    case .run(let steps, let endsOrphans):
      return steps.purpose
        + (endsOrphans ? "; what it leaves running is killed" : "")
    case .supervise(_, let steps):
      return (steps.execution?.commandLine ?? "") + "; entrypoint stays, without privileges"
    case .wait(let wait):
      return "\(wait.subject), at most \(wait.timeout.text), every \(wait.interval.text)"
    case .endWithParent:
      return "killed when entrypoint ends"
    case .closeDescriptors(let kept):
      return "all above 2"
        + (kept.isEmpty
          ? "" : " but \(kept.map { String($0.value) }.joined(separator: ", ")), which NGINX names")
    case .verify(let credentials):
      return "uid \(credentials.user.real), gid \(credentials.group.real), permitted"
        + " \(names.text(of: credentials.permitted)), ambient"
        + " \(names.text(of: credentials.ambient)); anything else ends the start"
    case .exec(let execution):
      let changes = execution.environment.map { $0.description }
      return execution.commandLine
        + (changes.isEmpty ? "" : " (with \(changes.joined(separator: ", ")))")
    }
  }
}

extension Step {
  /// Those that a child carries out; none where there is no child.
  var stepsOfChild: [Step] {
    switch self {
    case .run(let steps, _), .supervise(_, let steps): steps
    default: []
    }
  }
}

extension CredentialChange {
  fileprivate var name: String {
    switch self {
    case .dropBounding: "drop-bounding"
    case .keepCapabilities: "keep-capabilities"
    case .setGroups: "set-groups"
    case .setGroup: "set-group"
    case .setUser: "set-user"
    case .setCapabilities: "set-capabilities"
    case .clearAmbient: "clear-ambient"
    case .raiseAmbient: "raise-ambient"
    case .setNoNewPrivileges: "set-no-new-privs"
    }
  }

  fileprivate func detail(_ names: CapabilityNames) -> String {
    switch self {
    case .dropBounding(_, let kept): kept.isEmpty ? "all" : "all but \(names.text(of: kept))"
    case .keepCapabilities: "the permitted set survives the change of user"
    case .setGroups(let groups): groups.map { String($0) }.joined(separator: ",")
    case .setGroup(let gid): String(gid)
    case .setUser(let uid): String(uid)
    case .setCapabilities(let permitted, let inheritable, let effective):
      "permitted \(names.text(of: permitted)), effective \(names.text(of: effective)), inheritable"
        + " \(names.text(of: inheritable))"
    case .clearAmbient: "all"
    case .raiseAmbient(let set): names.text(of: set)
    case .setNoNewPrivileges: "on, for good"
    }
  }
}

extension FileChange {
  fileprivate var name: String {
    switch self {
    case .givePrefix: "give-prefix"
    case .giveStream: "give-stream"
    case .setCapabilities: "set-file-capabilities"
    case .removeCapabilities: "remove-file-capabilities"
    }
  }

  fileprivate func detail(_ names: CapabilityNames) -> String {
    switch self {
    case .givePrefix(let prefix, let uid, let gid):
      "\(prefix.path) and what is in it, to \(uid):\(gid), unless it is already"
    case .giveStream(let stream, let uid):
      "\(stream.name), a \(stream.kind.rawValue) of uid \(stream.uid), to uid \(uid)"
    case .setCapabilities(let set, let file): "\(names.fileText(of: set)) on \(file.path)"
    case .removeCapabilities(let file): "all, from \(file.path)"
    }
  }
}

extension PrefixAct {
  fileprivate var name: String {
    switch self {
    case .removeStalePid: "remove-stale-pid"
    case .removeStaleSockets: "remove-stale-sockets"
    case .linkLogs: "link-logs"
    }
  }

  fileprivate func detail(in prefix: Prefix) -> String {
    switch self {
    case .removeStalePid:
      "\(PidFile.path(in: prefix.path)), unless it names a running nginx of this prefix"
    case .removeStaleSockets:
      "in \(prefix.path) and \(prefix.path)/sockets, those that nobody listens on"
    case .linkLogs:
      LogLink.all.map { "\($0.name) -> \($0.target)" }.joined(separator: ", ")
        + " in \(prefix.path)/logs"
    }
  }
}
