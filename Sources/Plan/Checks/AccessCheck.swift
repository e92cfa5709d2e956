import Nginx
import Capabilities
import Kong
import Text

/// Judges, before `kong prepare` runs, what its user cannot do and what an earlier start left.
struct AccessCheck {
  let basis: Basis
  let prefix: Prefix
  /// Whether the start gives the prefix, with all that is in it, to that user.
  let isGiven: Bool

  private var request: Request { basis.request }
  private var host: HostSnapshot { basis.host }
  private var user: TargetUser { basis.user }

  /// What may keep `kong prepare` from succeeding, or will make it do something else than is meant.
  ///
  /// - Throws: ``StartFailure`` for what certainly makes it fail, whatever the version of Kong.
  func warnings() throws(StartFailure) -> [Explanation] {
    var inPrefix: [Explanation] = []
    var outside: [Explanation] = []
    var isPrefixRefused = false
    for denial in host.denials where !(denial.isOfWritingPrefix && isPrefixRefused) {
      guard let explanation = explanation(of: denial) else { continue }
      if let status = status(of: denial) {
        throw StartFailure(status: status, explanation: explanation)
      }
      isPrefixRefused = isPrefixRefused || denial.isOfWritingPrefix
      if case .writingLog = denial {
        outside.append(explanation)
      } else {
        inPrefix.append(explanation)
      }
    }
    return inPrefix + remains + outside
  }

  /// What a person should know of it; nil where the start gives the file to the user, and where it is not
  /// certain to matter.
  private func explanation(of denial: Denial) -> Explanation? {
    switch denial {
    case .givingPrefix(let failure): isGiven ? failure.explanation : nil
    case .usingTemporary(let refusal): cannotUseTemporary(refusal)
    case .makingPrefix(let above):
      above.isReadOnly || !isGiven
        ? cannotWrite(above, "cannot make \(prefix.path) in \(above.path)") : nil
    case .writingPrefix(let entry, _):
      entry.isReadOnly || !isGiven ? cannotWrite(entry) : nil
    case .writingDirectory(let entry):
      entry.isReadOnly || !isGiven(entry) ? cannotWrite(entry) : nil
    case .writingErrorLog(let entry):
      !mayLogElsewhere && (entry.isReadOnly || !isGiven(entry)) ? cannotWrite(entry) : nil
    case .readingSettings(let file): isGiven(file) ? nil : cannotRead(file)
    case .writingFiles(let files):
      cannotWrite(files.filter { !isGiven($0) })
    case .readingConfiguration(let reason): cannotReadConfiguration(reason)
    case .writingLog(let log, let refusal): cannotWriteLog(log, refusal)
    }
  }

  /// The status that a denial ends the start with; nil where some version of Kong, or a hook, can do
  /// without.
  private func status(of denial: Denial) -> Int32? {
    switch denial {
    case .givingPrefix(let failure): failure.status
    case .usingTemporary, .makingPrefix: ExitStatus.notPermitted
    // Without a new entry in the directory, some versions of Kong write into the old file.
    case .writingPrefix(let entry, let hasWritableSettings):
      entry.isReadOnly || !hasWritableSettings ? ExitStatus.notPermitted : nil
    // A hook may put another in its place.
    case .writingDirectory, .writingErrorLog: hasHooks ? nil : ExitStatus.notPermitted
    case .readingConfiguration: ExitStatus.configuration
    case .readingSettings, .writingFiles, .writingLog: nil
    }
  }

  /// Whether a hook may make what is missing.
  private var hasHooks: Bool { host.hooks.map { !$0.files.isEmpty } ?? false }

  /// Whether the start gives an entry of the prefix to the user, too.
  private func isGiven(_ entry: PathEntry) -> Bool { isGiven && !entry.staysOthers(from: user.uid) }

  // MARK: the prefix itself

  /// Whether a setting or a template can name another than Kong's own error log.
  private var mayLogElsewhere: Bool {
    request.environment.nonEmpty("KONG_PROXY_ERROR_LOG") != nil
      || host.files.configuration?.configuration["proxy_error_log"] != nil
      || host.files.unread != nil || request.templatePath != nil
  }

  private func cannotWrite(_ entry: PathEntry, _ act: String? = nil) -> Explanation {
    let (why, waysOut) = obstacle(entry)
    let act = act ?? "cannot write \(entry.path), but kong prepare has to"
    return Explanation(what: "\(user.description) \(act)", why: why, waysOut: waysOut)
  }

  /// Why a prefix cannot be written, and the ways to one that can.
  private func obstacle(_ directory: PathEntry) -> (why: String, waysOut: [String]) {
    if directory.isReadOnly { return ("its mount is read-only", OwnershipReport.waysOutOfReadOnly) }
    let place = directory.place.description.map { "it is \($0), " } ?? "it "
    let description = place + "has \(directory.description)"
    let ways = waysToOwn(directory)
    if directory.staysOthers(from: user.uid) {
      return (
        description + ", and no start changes its owner, because the user could have moved it"
          + " there", ways
      )
    }
    guard basis.isRoot else {
      return (description + ", and only a start as root with cap_chown changes its owner", ways)
    }
    guard let capability = missingCapability else {
      return (
        description + "; this process has the capabilities to change that, but may not: an NFS"
          + " server maps root to nobody (root_squash), or a security module forbids it", ways
      )
    }
    let name = host.capabilityNames.name(of: capability)
    return (description + ", and this process lacks \(name)", ways)
  }

  /// What root lacks to write the prefix, or to give it away; nil where it has that.
  private var missingCapability: Capability? {
    let needed: Capability = user.uid == 0 ? .dacOverride : .chown
    return basis.has(needed) ? nil : needed
  }

  /// The ways to an entry of the prefix that is the user's.
  private func waysToOwn(_ entry: PathEntry) -> [String] {
    let waysToGive = entry.place.waysToGive(
      entry.path, to: "\(user.uid):\(user.gid)", group: user.uid)
    if entry.staysOthers(from: user.uid) { return waysToGive }
    if basis.isRoot {
      guard let capability = missingCapability else {
        return ["on NFS: chown -R \(user.uid):0 on the server, or no_root_squash in its exports"]
          + waysToGive
      }
      let name = host.capabilityNames.name(of: capability)
      return EngineFlags.adding([EngineFlags.name(name)]) + waysToGive
    }
    return waysToUse(entry) + waysToGive + [
      "start as root with cap_chown (docker run --user 0, runAsUser: 0): entrypoint gives it to the"
        + " user kong, then drops to that user"
    ]
  }

  /// The ways to a user who may write the entry as it is.
  ///
  /// In Kong's images kong and group 0 may write the prefix. The number of kong differs: it is the first
  /// free one, and some bases have a user 1000.
  private func waysToUse(_ entry: PathEntry) -> [String] {
    if entry.uid != 0 {
      return ["as its owner: docker run --user \(entry.uid), runAsUser: \(entry.uid)"]
    }
    guard entry.mode & 0o020 != 0 else { return [] }
    return [
      "with its group: docker run --user \(user.uid):\(entry.gid), runAsGroup: \(entry.gid)"
    ]
  }

  // MARK: files of other users in it

  private func cannotRead(_ file: PathEntry) -> Explanation {
    Explanation(
      what: "\(user.description) cannot read \(file.path): kong prepare may fail",
      why: "it has \(file.description), which a kong prepare or kong reload of another user leaves"
        + " behind",
      waysOut: ["remove \(file.path): kong prepare writes it again"] + waysToOwn(file))
  }

  private func cannotWrite(_ files: [PathEntry]) -> Explanation? {
    guard let first = files.first else { return nil }
    let why = files.map { "\($0.path) has \($0.description)" }.joined(separator: "; ")
    let paths = files.map { $0.path.description }
    return Explanation(
      what: "\(user.description) cannot write \(paths.joined(separator: ", ")): kong prepare may"
        + " fail, or go on with the old contents",
      why: why + ", which a start of another user leaves behind",
      waysOut: ["remove it: rm \(paths.joined(separator: " "))"] + waysToOwn(first))
  }

  // MARK: what lies outside

  private func cannotReadConfiguration(_ reason: String) -> Explanation? {
    // A hook may write the file first.
    guard let path = request.configurationPath, !isGiven || !prefix.contains(path), !hasHooks
    else { return nil }
    return Explanation(
      what: "\(user.description) cannot read \(path.shortened), which -c names", why: reason,
      waysOut: ["correct -c, or mount the file so that this user can read it"])
  }

  /// None of the logs is certain to be opened: its server may have no listener.
  private func cannotWriteLog(_ log: NginxFileUse, _ refusal: AccessRefusal) -> Explanation? {
    if hasHooks { return nil }
    // Kong makes its own directories.
    if prefix.contains(log.path), isGiven && refusal != .readOnly || refusal == .missing {
      return nil
    }
    return NginxObstacle.file(log, refusal).explanation(for: user, isRoot: basis.isRoot)
  }

  private func cannotUseTemporary(_ refusal: AccessRefusal) -> Explanation {
    let directory = PrefixState.temporary
    let wayToOpen = "let everybody write it, in the image: chmod 1777 \(directory)"
    let (why, way): (String, [String]) =
      switch refusal {
      case .missing: ("it does not exist", ["create it in the image: mkdir -m 1777 \(directory)"])
      case .readOnly: ("its mount is read-only", [])
      case .denied(let entry): ("it has \(entry.description)", [wayToOpen])
      case .unreachable: ("it cannot be reached", [wayToOpen])
      }
    return Explanation(
      what: "\(user.description) cannot write \(directory), but every kong command has to",
      why: why + "; kong creates files there, and TMPDIR does not change that",
      waysOut: [
        "docker run --tmpfs \(directory):mode=1777",
        "Kubernetes: a volume of type emptyDir mounted at \(directory)",
      ] + way)
  }
}

extension Denial {
  /// Whether it is one of those of which the first says all: what keeps the prefix from being written.
  fileprivate var isOfWritingPrefix: Bool {
    switch self {
    case .makingPrefix, .writingPrefix, .writingDirectory, .writingErrorLog: true
    case .givingPrefix, .usingTemporary, .readingSettings, .writingFiles, .readingConfiguration,
      .writingLog:
      false
    }
  }
}
