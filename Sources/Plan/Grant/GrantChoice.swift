import Capabilities

/// One way to bring capabilities across the drop and the exec; what comes of it is for the kernel's
/// exec rule to say.
struct GrantCandidate: Equatable {
  /// What happens to the program's file.
  enum FileAction: Equatable {
    case leave
    case write
    case remove
  }

  var grant: Grant
  var action: FileAction
  /// The permitted set right before exec.
  var permitted: CapabilitySet
  /// The inheritable and ambient sets right before exec.
  var ambient: CapabilitySet
  /// What stays in the bounding set.
  var bounding: CapabilitySet
  var noNewPrivileges: Bool
}

/// Chooses how a program gets a set of capabilities: the first way of which the kernel's exec rule
/// says that the program ends up with exactly this set.
struct GrantChoice {
  /// Who grants.
  var start: Credentials
  /// What runs: the user it runs as after the drop, equal to the current one without a drop.
  var uid: UInt32
  var file: ProgramFile
  var mode: CapabilityMode
  /// no_new_privs: true or false where it was asked for, nil for the default.
  var noNewPrivileges: Bool?
  /// Whether file capabilities may be written to the program's file at all: everybody who can execute
  /// it would have them, so only the proxy's may be written.
  var mayWriteFile: Bool
  /// Whether the program is to see variables that a secure execution ignores.
  var needsVariables: Bool
  /// What the kernel has said to a write in this start; nil where none was tried, or it worked.
  var refusedWrite: RefusedWrite?

  /// Every way, the best first.
  func candidates(for wanted: CapabilitySet) -> [GrantCandidate] {
    var all: [GrantCandidate] = []
    for kind in kinds(for: wanted) {
      for noNewPrivileges in noNewPrivilegesChoices(isGranting: !wanted.isEmpty) {
        for action in actions(for: kind, wanted: wanted) {
          for bounding in boundingChoices(wanted: wanted, action: action) {
            all.append(
              GrantCandidate(
                grant: kind, action: action, permitted: wanted.intersection(start.permitted),
                ambient: kind.isFile ? [] : wanted, bounding: bounding,
                noNewPrivileges: noNewPrivileges))
          }
        }
      }
    }
    return all
  }

  /// The file's capabilities as they count at exec, after `action`.
  func fileCapabilities(after action: GrantCandidate.FileAction, writing wanted: CapabilitySet)
    -> FileCapabilities?
  {
    switch action {
    case .remove: nil
    case .write: FileCapabilities(permitted: wanted, effective: true)
    case .leave: file.countingCapabilities
    }
  }

  private func isAmbientAlready(_ wanted: CapabilitySet) -> Bool {
    start.user.effective == uid && wanted.isSubset(of: start.ambient) && file.capabilities == nil
  }

  private func kinds(for wanted: CapabilitySet) -> [Grant] {
    if wanted.isEmpty { return [.none] }
    let already: [Grant] = isAmbientAlready(wanted) ? [.none] : []
    let file: [Grant] = mode == .ambient ? [] : [.file(wanted, path: file.path)]
    let ambient: [Grant] =
      mode != .file && start.canRaiseAmbient(wanted) ? [.ambient(wanted)] : []
    // Under no_new_privs from outside, a file that carries capabilities takes them from every later
    // `kong reload`: they clear its ambient ones, and do not count behind its shell. And whoever can
    // execute the file has what it carries, which should not be more than the right to low ports. And
    // what the file gives makes a secure execution.
    let isAmbientBetter =
      start.noNewPrivileges || needsVariables
      || !wanted.isSubset(of: CapabilitySet(.netBindService))
    return already + (isAmbientBetter ? ambient + file : file + ambient)
  }

  private func actions(for kind: Grant, wanted: CapabilitySet) -> [GrantCandidate.FileAction] {
    let canWrite = refusalToWrite == nil
    switch kind {
    case .file:
      // Whatever form the file's capabilities have, the exec rule says whether they will do.
      let asItIs: [GrantCandidate.FileAction] = file.countingCapabilities == nil ? [] : [.leave]
      return canWrite ? asItIs + [.write] : asItIs
    case .none, .ambient:
      if file.capabilities == nil { return [.leave] }
      return canWrite ? [.remove, .leave] : [.leave]
    }
  }

  /// Why the file's attribute cannot be written; nil where it can.
  var refusalToWrite: WriteRefusal? {
    if !mayWriteFile { return .notTheProxy }
    if file.isScript { return .script }
    if file.writableComponent != nil { return .writableByOthers }
    if !start.effective.contains(.setfcap) { return .noSetfcap }
    if file.mount.contains(.readOnly) { return .readOnly }
    if !file.supportsAttributes { return .noAttributes }
    if file.mount.contains(.noSetID) { return .noSetID }
    return refusedWrite.map(WriteRefusal.refused)
  }

  /// What keeps file capabilities from being written, or from counting.
  enum WriteRefusal: Equatable {
    case notTheProxy
    case script
    case writableByOthers
    case noSetfcap
    case readOnly
    case noAttributes
    case noSetID
    case refused(RefusedWrite)
  }

  /// The wanted set; or with what the file keeps, for exec fails where the bounding set lacks it.
  private func boundingChoices(
    wanted: CapabilitySet, action: GrantCandidate.FileAction
  ) -> [CapabilitySet] {
    guard uid != 0, start.effective.contains(.setpcap) else { return [start.bounding] }
    let least = start.bounding.intersection(wanted)
    guard action == .leave, let kept = file.countingCapabilities?.permitted else { return [least] }
    let roomy = start.bounding.intersection(wanted.union(kept))
    return roomy == least ? [least] : [least, roomy]
  }

  private func noNewPrivilegesChoices(isGranting: Bool) -> [Bool] {
    if start.noNewPrivileges { return [true] }
    if let noNewPrivileges { return [noNewPrivileges] }
    if start.user.effective != uid { return [true] }
    // Without a drop there can be a file whose capabilities this process lacks itself: no_new_privs
    // keeps them from it, and is left out where it is they that are wanted.
    return isGranting ? [true, false] : [false, true]
  }
}

extension Grant {
  fileprivate var isFile: Bool {
    if case .file = self { true } else { false }
  }
}

extension Credentials {
  /// Whether the kernel lets this thread make all of `set` inheritable and ambient (capabilities(7),
  /// capset(2), PR_CAP_AMBIENT(2const)).
  func canRaiseAmbient(_ set: CapabilitySet) -> Bool {
    canHaveAmbient && set.isSubset(of: permitted)
      && set.isSubset(of: inheritable.union(bounding))
      && (set.isSubset(of: ambient) || !securebits.contains(.noAmbientRaise))
  }
}

extension ProgramFile {
  /// The file's capabilities as far as execve(2) looks at them: not on a nosuid mount, not those of
  /// another user namespace, not those of a script (binfmt_script takes its interpreter's).
  var countingCapabilities: FileCapabilities? {
    guard var capabilities, !mount.contains(.noSetID), !isScript else { return nil }
    guard (capabilities.rootID ?? 0) == 0 else { return nil }
    capabilities.rootID = nil
    return capabilities
  }
}
