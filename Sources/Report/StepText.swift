package import Capabilities
import Kong
package import Plan
import Text

extension Step {
  /// The step's name in reports: one word for each kind.
  package var name: String {
    switch self {
    case .run: "run"
    case .givePrefix: "give-prefix"
    case .giveStream: "give-stream"
    case .setFileCapabilities: "set-file-capabilities"
    case .removeFileCapabilities: "remove-file-capabilities"
    case .dropBounding: "drop-bounding"
    case .keepCapabilities: "keep-capabilities"
    case .setGroups: "set-groups"
    case .setGroup: "set-group"
    case .setUser: "set-user"
    case .setCapabilities: "set-capabilities"
    case .clearAmbient: "clear-ambient"
    case .raiseAmbient: "raise-ambient"
    case .setNoNewPrivileges: "set-no-new-privs"
    case .endWithParent: "end-with-parent"
    case .closeDescriptors: "close-descriptors"
    case .removeStalePid: "remove-stale-pid"
    case .removeStaleSockets: "remove-stale-sockets"
    case .linkLogs: "link-logs"
    case .verify: "verify"
    case .exec: "exec"
    }
  }

  /// What exactly it does, for people.
  package func detail(_ names: CapabilityNames) -> String {
    switch self {
    case .run(let steps, let endsOrphans):
      return (steps.execution?.commandLine ?? "")
        + (endsOrphans ? "; what it leaves running is killed" : "")
    case .givePrefix(let prefix, let uid, let gid):
      return "\(prefix.path) and what is in it, to \(uid):\(gid), where it is not yet"
    case .giveStream(let stream, let uid):
      return "\(stream.name), a \(stream.kind.rawValue) of uid \(stream.uid), to uid \(uid)"
    case .setFileCapabilities(let set, let file):
      return "\(names.fileText(of: set)) on \(file.path)"
    case .removeFileCapabilities(let file):
      return "all, from \(file.path)"
    case .dropBounding(_, let kept):
      return kept.isEmpty ? "all" : "all but \(names.text(of: kept))"
    case .keepCapabilities:
      return "the permitted set survives the change of user"
    case .setGroups(let groups):
      return groups.map(String.init).joined(separator: ",")
    case .setGroup(let gid):
      return String(gid)
    case .setUser(let uid):
      return String(uid)
    case .setCapabilities(let permitted, let inheritable):
      return "permitted \(names.text(of: permitted)), effective none, inheritable"
        + " \(names.text(of: inheritable))"
    case .clearAmbient:
      return "all"
    case .raiseAmbient(let set):
      return names.text(of: set)
    case .setNoNewPrivileges:
      return "on, for good"
    case .endWithParent:
      return "killed when entrypoint ends"
    case .closeDescriptors(let kept):
      return "all above 2"
        + (kept.isEmpty
          ? "" : " but \(kept.map(String.init).joined(separator: ", ")), which NGINX names")
    case .removeStalePid(let prefix):
      return "\(PidFile.path(in: prefix.path)), unless it names a running nginx of this prefix"
    case .removeStaleSockets(let prefix):
      return "in \(prefix.path) and \(prefix.path)/sockets, those that nobody listens on"
    case .linkLogs(let prefix):
      return LogLink.all.map { "\($0.name) -> \($0.target)" }.joined(separator: ", ")
        + " in \(prefix.path)/logs"
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

extension [Step] {
  /// The program that the steps end in.
  package var execution: Execution? {
    if case .exec(let execution) = last { execution } else { nil }
  }
}
