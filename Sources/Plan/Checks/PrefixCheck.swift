import Nginx
import Capabilities
import Kong
import Text

/// Judges before `kong prepare` runs whether it can use the prefix as it is, and /tmp.
struct PrefixCheck {
  var request: Request
  var host: HostSnapshot
  var prefix: Prefix
  /// The user that Kong runs as.
  var user: TargetUser
  /// Whether the start gives the prefix, with all that is in it, to that user.
  var isGiven: Bool

  private var state: PrefixState { host.prefixState }

  /// What may keep `kong prepare` from succeeding, or will make it do something else than is meant.
  ///
  /// - Throws: ``StartFailure`` for what certainly makes it fail, whatever the version of Kong.
  func warnings() throws(StartFailure) -> [Explanation] {
    if let obstacle = state.temporaryObstacle { throw Self.cannotUseTemporary(user, obstacle) }
    var warnings: [Explanation] = []
    if let directory = host.unwritablePrefix, directory.isReadOnly || !isGiven {
      let explanation = cannotWrite(directory)
      // Without a new entry in the directory, some versions of Kong write into the old file.
      if directory.isReadOnly || state.isMissing || !state.hasWritableSettings {
        throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
      }
      warnings.append(explanation)
    } else if let entry = [state.closedDirectory, closedLog].compactMap({ $0 }).first(where: {
      $0.isReadOnly || !isGiven($0)
    }) {
      let explanation = cannotWrite(entry)
      // A hook may put another in its place.
      guard let hooks = host.hooks, !hooks.files.isEmpty else {
        throw StartFailure(status: ExitStatus.notPermitted, explanation: explanation)
      }
      warnings.append(explanation)
    }
    if let file = state.unreadableSettings, !isGiven(file) { warnings.append(cannotRead(file)) }
    let unwritable = state.unwritable.filter { !isGiven($0) }
    if !unwritable.isEmpty { warnings.append(cannotWrite(unwritable)) }
    if state.lacksCertificates { warnings.append(lostCertificates) }
    if state.hasEmptyParameters { warnings.append(emptyParameters) }
    if let failure = unreadableConfiguration { throw failure }
    return warnings + closedLogs
  }

  /// Whether the start gives an entry of the prefix to the user, too.
  private func isGiven(_ entry: PathEntry) -> Bool { isGiven && !entry.staysOthers(from: user.uid) }

  // MARK: the prefix itself

  /// Kong's own error log, where no setting and no template can name another.
  private var closedLog: PathEntry? {
    guard request.environment.nonEmpty("KONG_PROXY_ERROR_LOG") == nil,
      host.files.configuration?.configuration["proxy_error_log"] == nil,
      host.files.unread == nil, request.templatePath == nil
    else { return nil }
    return state.closedLog
  }

  private func cannotWrite(_ directory: PathEntry) -> Explanation {
    let (why, waysOut) = obstacle(directory)
    return Explanation(
      what: state.isMissing
        ? "\(user.description) cannot make \(prefix.path) in \(directory.path)"
        : "\(user.description) may not write \(directory.path), as kong prepare has to",
      why: why, waysOut: waysOut)
  }

  /// Why a prefix cannot be written, and the ways to one that can.
  private func obstacle(_ directory: PathEntry) -> (why: String, waysOut: [String]) {
    if directory.isReadOnly { return ("its mount is read-only", OwnershipReport.waysOutOfReadOnly) }
    let place = directory.place.description.map { "it is \($0), " } ?? "it "
    let description = place + "has \(directory.description)"
    let ways = waysToOwn(directory)
    if directory.staysOthers(from: user.uid) {
      return (
        description + ", and no start gives it away, because the user could have moved it there",
        ways
      )
    }
    guard host.credentials.user.effective == 0 else {
      return (description + ", and only a start as root with cap_chown gives it away", ways)
    }
    guard let capability = missingCapability else {
      return (
        description + ", and though this process has the capabilities for it, it may not: an NFS"
          + " server takes root for nobody (root_squash), or a security module forbids it", ways
      )
    }
    let name = host.capabilityNames.name(of: capability)
    return (description + ", and this process lacks \(name)", ways)
  }

  /// What root lacks to write the prefix, or to give it away; nil where it has that.
  private var missingCapability: Capability? {
    let needed: Capability = user.uid == 0 ? .dacOverride : .chown
    return host.credentials.effective.contains(needed) ? nil : needed
  }

  /// The ways to an entry of the prefix that is the user's.
  private func waysToOwn(_ entry: PathEntry) -> [String] {
    let waysToGive = entry.place.waysToGive(
      entry.path, to: "\(user.uid):\(user.gid)", group: user.uid)
    if entry.staysOthers(from: user.uid) { return waysToGive }
    if host.credentials.user.effective == 0 {
      guard let capability = missingCapability else {
        return ["on NFS: chown -R \(user.uid):0 on the server, or no_root_squash in its exports"]
          + waysToGive
      }
      let name = host.capabilityNames.name(of: capability)
      return Shortfall.add([Shortfall.engineName(name)]) + waysToGive
    }
    return waysToGive + [
      "start as root with cap_chown (docker run --user 0, runAsUser: 0): entrypoint gives it to the"
        + " user kong, and drops to that"
    ]
  }

  // MARK: what an earlier start left in it

  private func path(_ name: ByteString) -> ByteString { prefix.path + "/" + name }

  private func cannotRead(_ file: PathEntry) -> Explanation {
    Explanation(
      what: "\(user.description) cannot read \(file.path): kong prepare may fail at it",
      why: "it has \(file.description), as a kong prepare or kong reload of another user leaves it",
      waysOut: ["remove \(file.path): kong prepare writes it anew"] + waysToOwn(file))
  }

  private func cannotWrite(_ files: [PathEntry]) -> Explanation {
    let why = files.map { "\($0.path) has \($0.description)" }.joined(separator: "; ")
    let paths = files.map { $0.path.description }
    return Explanation(
      what: "\(user.description) may not write \(paths.joined(separator: ", ")): kong prepare may"
        + " fail at it, or go on with what is in it",
      why: why + ", as a start of another user leaves it",
      waysOut: ["remove it: rm \(paths.joined(separator: " "))"] + waysToOwn(files[0]))
  }

  private var lostCertificates: Explanation {
    let settings = path(PrefixState.settings)
    return Explanation(
      what: "\(settings) names certificates that are not there: kong prepare may fail",
      why: "Kong 3 reads it before it makes certificates, and \(path(PrefixState.certificates)) is"
        + " gone",
      waysOut: ["remove \(settings), too: kong prepare makes both anew"])
  }

  private var emptyParameters: Explanation {
    let (settings, directory) = (path(PrefixState.settings), path(PrefixState.certificates))
    return Explanation(
      what: "\(path(PrefixState.parameters)) is empty: kong prepare may fail at it",
      why: "an earlier kong prepare could not write it, as on a full disk, and a later one keeps"
        + " it",
      waysOut: ["remove both: rm -r \(directory) \(settings)"])
  }

  // MARK: what lies outside

  private var unreadableConfiguration: StartFailure? {
    // A hook may write the file first.
    guard let reason = host.unreadableConfiguration, let path = request.configurationPath,
      !isGiven || !prefix.contains(path), host.hooks?.files.isEmpty ?? true
    else { return nil }
    return StartFailure(
      status: ExitStatus.configuration,
      what: "\(user.description) cannot read \(path.shortened), which -c names", why: reason,
      waysOut: ["correct -c, or mount the file so that this user can read it"])
  }

  /// Logs that the environment names and that nginx will not be able to open.
  ///
  /// None of them is certain to be opened: its server may have no listener.
  private var closedLogs: [Explanation] {
    // A hook may make what is missing.
    guard host.hooks?.files.isEmpty ?? true else { return [] }
    return host.closedLogs.compactMap { obstacle in
      guard case .file(let log, let reason) = obstacle else { return nil }
      // Kong makes its own directories.
      if prefix.contains(log.path), isGiven && reason != .readOnly || reason == .missing {
        return nil
      }
      return obstacle.explanation(for: user, isRoot: host.credentials.user.effective == 0)
    }
  }

  private static func cannotUseTemporary(
    _ user: TargetUser, _ obstacle: PrefixState.Obstacle
  ) -> StartFailure {
    let directory = PrefixState.temporary
    let (why, way): (String, [String]) =
      switch obstacle {
      case .missing: ("it is not there", ["make it in the image: mkdir -m 1777 \(directory)"])
      case .readOnly: ("its mount is read-only", [])
      case .denied(let entry):
        (
          entry.map { "it has \($0.description)" } ?? "it cannot be reached",
          ["let everybody write it, in the image: chmod 1777 \(directory)"]
        )
      }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "\(user.description) may not write \(directory), as each kong command has to",
      why: why + "; kong works with files there, and TMPDIR does not lead it elsewhere",
      waysOut: [
        "docker run --tmpfs \(directory):mode=1777",
        "Kubernetes: a volume of type emptyDir mounted at \(directory)",
      ] + way)
  }
}
