import Capabilities
import Kong
package import Plan
import Text

extension HostSnapshot {
  /// Reads everything that a plan for `request` depends on, and changes nothing.
  ///
  /// - Parameter isDryRun: read also what a start gets to know later, or does not need: the
  ///   configuration that an earlier `kong prepare` has left, and Kong's list of defaults.
  /// - Throws: ``SystemCallFailure`` where /proc does not answer: without it nobody could tell
  ///   afterwards what was really given up.
  package static func read(
    for request: Request, isDryRun: Bool = false
  ) throws(SystemCallFailure) -> HostSnapshot {
    let isDockerStart = request.isDockerStart
    let credentials = try ProcessStatus.read()
    var snapshot = HostSnapshot(
      credentials: credentials,
      secureExecution: AuxiliaryVector.isSecure,
      capabilityNames: .ofRunningKernel(),
      accounts: .readTrusted(),
      unprivilegedPortStart: request.testsListeners
        ? try PortRange.unprivilegedStart(own: credentials) : 1024,
      ownsNetwork: request.testsListeners ? try NetworkNamespace.isOwned() : true,
      ownPath: isDockerStart ? ownPath() : "",
      command: try ProgramSearch.find(
        request.command.first ?? "", path: request.environment["PATH"]),
      proxy: request.isKong || request.isPathOfKong
        ? try ProgramSearch.findProxy(request.proxy, searchPath: request.environment["PATH"]) : nil,
      streams: request.mayChangeUser ? StandardStream.readBoth() : [],
      hooks: isDockerStart && request.runsHooks ? try .read() : nil)
    if WorkerProcesses.mayBeLimited(request) { snapshot.cpuLimit = .read() }
    if isDockerStart, isDryRun, let failure = snapshot.failure(onWayToPrefixOf: request) {
      snapshot.denials.append(.givingPrefix(failure))
    }
    if request.isKong {
      try snapshot.readSettings(for: request, isDryRun: isDryRun)
      if isDockerStart, request.mayListenOnIPv6(snapshot.files) {
        snapshot.hasIPv6 = NetworkNamespace.hasIPv6()
      }
    } else if isDryRun {
      try snapshot.asUser(of: request) { $0.readAccess(of: $1, for: request, isDryRun: true) }
    }
    snapshot.hasStreamPaths = !isDockerStart || isAllowed("/proc/self/fd", .execute)
    return snapshot
  }

  /// The file of this program; where /proc does not say, the path that it was executed by, without links
  /// (getauxval(3), AT_EXECFN).
  private static func ownPath() -> ByteString {
    if let path = readLink("/proc/self/exe") { return path }
    guard let given = AuxiliaryVector.path else { return "" }
    return realPath(given) ?? given
  }

  /// Reads once more what can have changed while `kong prepare` ran.
  ///
  /// The accounts cannot: the proxy must run as the very user that the prefix was prepared by.
  ///
  /// - Throws: ``SystemCallFailure`` as the first reading.
  package func readAgain(for request: Request) throws(SystemCallFailure) -> HostSnapshot {
    var again = self
    again.credentials = try ProcessStatus.read()
    again.unprivilegedPortStart = try PortRange.unprivilegedStart(own: again.credentials)
    again.ownsNetwork = try NetworkNamespace.isOwned()
    again.proxy = try ProgramSearch.findProxy(
      request.proxy, searchPath: request.environment["PATH"])
    again.streams = StandardStream.readBoth()
    var generated: KongReading<GeneratedListeners>?
    try again.asUser(of: request) { snapshot, user in
      generated = .generated(
        in: request.prefix, isCurrent: true, as: user, own: snapshot.credentials)
    }
    again.files.generated = generated?.value()
    return again
  }

  /// Why a start would not go the way to the prefix; nil where it would, or would not give it away.
  private func failure(onWayToPrefixOf request: Request) -> StartFailure? {
    guard credentials.user.effective == 0, let prefix = try? Prefix(request.prefix) else {
      return nil
    }
    do throws(StartFailure) {
      try PrefixOwnership.checkWay(to: prefix)
      return nil
    } catch {
      return error
    }
  }

  /// Reads what Kong's own files say, and the secrets.
  private mutating func readSettings(
    for request: Request, isDryRun: Bool
  ) throws(SystemCallFailure) {
    let namesSecrets = request.environment.mayNameSecretFiles
    var list: KongReading<KongDefaultsReading>?
    var settings: KongReading<KongFiles>?
    var generated: KongReading<GeneratedListeners>?
    var namesCertificates: KongReading<Bool>?
    try asUser(of: request) { snapshot, user in
      let own = snapshot.credentials
      // Which settings count depends on the list, so a start and its dry run both read it.
      if namesSecrets || isDryRun || request.testsListeners {
        list = .defaults(
          at: request.kongDefaults, isForListeners: !namesSecrets && !isDryRun, as: user, own: own)
      }
      guard request.testsListeners || isDryRun else { return }
      snapshot.readAccess(of: user, for: request, isDryRun: isDryRun)
      if snapshot.prefixState.lacksCertificates {
        namesCertificates = .namesCertificates(in: request.prefix, as: user, own: own)
      }
      guard request.testsListeners else { return }
      settings = .files(for: request, as: user, own: own)
      if isDryRun, request.isDockerStart {
        generated = .generated(in: request.prefix, isCurrent: false, as: user, own: own)
      }
    }
    files = settings?.value() ?? files
    files.generated = generated?.value()
    prefixState.lacksCertificates = namesCertificates?.value() ?? false
    do throws(StartFailure) {
      do {
        files.defaults = try list?.value().get(path: request.kongDefaults)
      } catch {
        // Without secrets it would only have told which settings and defaults Kong has.
        if namesSecrets { throw error }
      }
      let named = try request.environment.secretReferences(defaults: files.defaults)
      let target = try dropTarget(for: request)
      guard target.map({ FileSystemUser.canAct(as: $0, own: credentials) }) ?? true else { return }
      let settings = try SecretReference.read(named, for: target, own: credentials)
      // What they say about listeners and the prefix must be something that can be shown.
      _ = try request.environment.including(settings)
      secrets = .known(settings)
    } catch {
      secrets = .unknown(error)
    }
  }

  /// Finds out what the user may not do that the programs of a start run as.
  private mutating func readAccess(of user: TargetUser, for request: Request, isDryRun: Bool) {
    command = command.asFound(by: user)
    guard request.isDockerStart else { return }
    proxy = proxy?.asFound(by: user)
    for index in hooks?.files.indices ?? 0..<0 {
      guard let path = hooks?.files[index].resolvedEntries.last?.path,
        FileAccess.refusal(path, .execute) == .permissionDenied
      else { continue }
      hooks?.files[index].refusal = FileAccess.whyNotExecutable(path, by: user.uid)
    }
    let prefix = PrefixState.read(request.prefix)
    prefixState = prefix.state
    denials += prefix.denials
    let logs = request.logFiles.compactMap { log in
      NginxObstacle.refusal(for: log).map { Denial.writingLog(log, $0) }
    }
    if let path = request.configurationPath, let refusal = FileAccess.refusal(path, .read) {
      denials.append(.readingConfiguration(refusal.description))
    }
    denials += logs
  }

  /// Looks at files with the rights of the user that the command runs as, who owns some of them.
  private mutating func asUser(
    of request: Request, _ look: (_ snapshot: inout HostSnapshot, _ user: TargetUser) -> Void
  ) throws(SystemCallFailure) {
    // A user that does not exist, or cannot be become, ends the start anyway, with its own message.
    guard let target = try? dropTarget(for: request) ?? currentUser,
      FileSystemUser.canAct(as: target, own: credentials)
    else { return }
    var snapshot = self
    try FileSystemUser.acting(as: target, own: credentials) { look(&snapshot, target) }
    self = snapshot
  }
}

extension ProgramLookup {
  /// The outcome for a user, whose rights for files this process has now.
  fileprivate func asFound(by user: TargetUser) -> ProgramLookup {
    guard case .found(let file) = self, FileAccess.refusal(file.path, .execute) == .permissionDenied
    else { return self }
    return .notExecutable(
      path: file.path, reason: FileAccess.whyNotExecutable(file.path, by: user.uid))
  }
}
