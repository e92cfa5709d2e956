import Capabilities
import Kong

/// One way to bring capabilities across the drop and the exec.
///
/// The kernel's exec rule says what comes of it.
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
  let basis: Basis
  /// The program's file.
  let file: ProgramFile
  let mode: CapabilityMode
  /// Why the file's attribute cannot be written; nil where it can.
  let refusalToWrite: WriteRefusal?

  init(_ basis: Basis, file: ProgramFile, mode: CapabilityMode) {
    self.basis = basis
    self.file = file
    self.mode = mode
    refusalToWrite = WriteRefusal(to: file, on: basis)
  }

  private var start: Credentials { basis.start }

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
    case .leave: file.capabilitiesHonoredAtExec
    }
  }

  private func isAmbientAlready(_ wanted: CapabilitySet) -> Bool {
    !basis.isDrop && wanted.isSubset(of: start.ambient) && file.capabilities == nil
  }

  private func kinds(for wanted: CapabilitySet) -> [Grant] {
    if wanted.isEmpty { return [.none] }
    let already: [Grant] = isAmbientAlready(wanted) ? [.none] : []
    let file: [Grant] = mode == .ambient ? [] : [.file(wanted, path: file.path)]
    let ambient: [Grant] =
      mode != .file && start.canRaiseAmbient(wanted) ? [.ambient(wanted)] : []
    // If no_new_privs is set from outside, file capabilities break every later `kong reload`: they
    // clear its ambient capabilities, and are void after its shell. Whoever can execute the file
    // gets what it carries, which should be no more than the right to low ports. And file
    // capabilities cause secure execution.
    let isAmbientBetter =
      start.noNewPrivileges || !basis.request.environment.ignoredInSecureExecution.isEmpty
      || !wanted.isSubset(of: CapabilitySet(.netBindService))
    return already + (isAmbientBetter ? ambient + file : file + ambient)
  }

  private func actions(for kind: Grant, wanted: CapabilitySet) -> [GrantCandidate.FileAction] {
    let canWrite = refusalToWrite == nil
    switch kind {
    case .file:
      // The exec rule says whether the file's capabilities are right, whatever their form.
      let asItIs: [GrantCandidate.FileAction] =
        file.capabilitiesHonoredAtExec == nil ? [] : [.leave]
      return canWrite ? asItIs + [.write] : asItIs
    case .none, .ambient:
      if file.capabilities == nil { return [.leave] }
      return canWrite ? [.remove, .leave] : [.leave]
    }
  }

  /// The wanted set; or that and what the file keeps, because exec fails if the bounding set lacks
  /// it.
  private func boundingChoices(
    wanted: CapabilitySet, action: GrantCandidate.FileAction
  ) -> [CapabilitySet] {
    guard basis.user.uid != 0, start.effective.contains(.setpcap) else { return [start.bounding] }
    let least = start.bounding.intersection(wanted)
    guard action == .leave, let kept = file.capabilitiesHonoredAtExec?.permitted else {
      return [least]
    }
    let roomy = start.bounding.intersection(wanted.union(kept))
    return roomy == least ? [least] : [least, roomy]
  }

  private func noNewPrivilegesChoices(isGranting: Bool) -> [Bool] {
    if start.noNewPrivileges { return [true] }
    if let asked = basis.request.noNewPrivileges { return [asked] }
    if basis.isDrop { return [true] }
    // Without a drop, the program's file can carry capabilities that this process lacks.
    // no_new_privs keeps the program from getting them. Omit no_new_privs only when those
    // capabilities are what was requested.
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
  var capabilitiesHonoredAtExec: FileCapabilities? {
    guard var capabilities, !mount.contains(.noSetID), !isScript else { return nil }
    guard (capabilities.rootID ?? 0) == 0 else { return nil }
    capabilities.rootID = nil
    return capabilities
  }
}
