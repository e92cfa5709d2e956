import Capabilities
import Kong
package import Plan
import Text

extension HostSnapshot {
  /// Reads everything that the plan for `request` depends on.
  ///
  /// Changes nothing.
  ///
  /// - Parameter isDryRun: also read what a start learns later or does not need: the configuration that an
  ///   earlier `kong prepare` left, and Kong's list of defaults.
  /// - Throws: ``SystemCallFailure`` if the credentials cannot be read: then nobody could verify later
  ///   what was given up.
  package static func read(
    for request: Request, isDryRun: Bool = false
  ) throws(SystemCallFailure) -> HostSnapshot {
    let isDockerStart = request.isDockerStart
    let credentials = try ProcessStatus.read()
    var snapshot = HostSnapshot(
      credentials: credentials,
      secureExecution: OwnFileCapabilities.include(credentials.permitted),
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
    if credentials.user.effective != 0, request.testsListeners,
      !credentials.permitted.contains(.netBindService)
    {
      if case .found(let file)? = try? ProgramSearch.find(ownPath(), path: nil) {
        snapshot.ownFile = file
      }
      snapshot.isHostNetwork = NetworkNamespace.isHosts()
    }
    if WorkerProcesses.mayBeLimited(request) { snapshot.cpuLimit = .read() }
    if isDockerStart, isDryRun, let failure = snapshot.failure(onWayToPrefixOf: request) {
      snapshot.denials.append(.givingPrefix(failure))
    }
    if request.isKong {
      try snapshot.readSettings(for: request, isDryRun: isDryRun)
      if isDockerStart, request.mayListenOnIPv6(snapshot.files) {
        snapshot.hasIPv6 = NetworkNamespace.hasIPv6()
      }
    } else {
      if isDryRun {
        try snapshot.asUser(of: request) { $0.readAccess(of: $1, for: request, isDryRun: true) }
      }
      try snapshot.readDatabaseSettings(forOther: request)
    }
    snapshot.hasStreamPaths = !isDockerStart || isAllowed("/proc/self/fd", .execute)
    return snapshot
  }

  /// The path of this program's file; without /proc, the path of its exec, with links resolved.
  private static func ownPath() -> ByteString {
    if let path = readLink("/proc/self/exe") { return path }
    guard let given = AuxiliaryVector.path else { return "" }
    return realPath(given) ?? given
  }

  /// Reads again what can have changed while `kong prepare` ran.
  ///
  /// The accounts stay: the proxy must run as the user that prepared the prefix.
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

  /// Why a start would refuse the path of the prefix; nil if it accepts it, or does not give it away.
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

  /// Reads the kong.conf that Kong looks for, if a command that is not Kong's waits for its database.
  private mutating func readDatabaseSettings(
    forOther request: Request
  ) throws(SystemCallFailure) {
    guard request.waitsForDatabase else { return }
    // The words of another command name no kong.conf.
    var bare = request
    bare.command = []
    var settings: KongReading<KongFiles>?
    try asUser(of: request) { snapshot, user in
      settings = .files(for: bare, as: user, own: snapshot.credentials)
    }
    files = settings?.value() ?? files
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
      // The list decides which settings count, so a start and its dry run both read it.
      if namesSecrets || isDryRun || request.testsListeners {
        list = .defaults(for: request, as: user, own: own)
      }
      if request.testsListeners || request.waitsForDatabase {
        settings = .files(for: request, as: user, own: own)
      }
      guard request.testsListeners || isDryRun else { return }
      snapshot.readAccess(of: user, for: request, isDryRun: isDryRun)
      if snapshot.prefixState.lacksCertificates {
        namesCertificates = .namesCertificates(in: request.prefix, as: user, own: own)
      }
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
        // Without secrets, the list only tells which settings and defaults Kong has.
        if namesSecrets { throw error }
      }
      let named = try request.environment.secretReferences(defaults: files.defaults)
      let target = try dropTarget(for: request)
      guard target.map({ FileSystemUser.canAct(as: $0, own: credentials) }) ?? true else { return }
      let settings = try SecretReference.read(named, for: target, own: credentials)
      // Secrets that name listeners or the prefix must have valid values.
      _ = try request.environment.including(settings)
      secrets = .known(settings)
    } catch {
      secrets = .unknown(error)
    }
  }

  /// Reads what the user of the start's programs may not do.
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
      let isMissing = refusal == .noSuchFileOrDirectory
      denials.append(
        .readingConfiguration(isMissing ? "there is no such file" : refusal.description))
    }
    denials += logs
  }

  /// Looks at files with the rights of the command's user, to whom some of them belong.
  private mutating func asUser(
    of request: Request, _ look: (_ snapshot: inout HostSnapshot, _ user: TargetUser) -> Void
  ) throws(SystemCallFailure) {
    // A user that does not exist, or that this process cannot become, has its own message later.
    guard let target = try? dropTarget(for: request) ?? currentUser,
      FileSystemUser.canAct(as: target, own: credentials)
    else { return }
    var snapshot = self
    try FileSystemUser.acting(as: target, own: credentials) { look(&snapshot, target) }
    self = snapshot
  }
}

extension ProgramLookup {
  /// The outcome for the user whose rights for files this process has now.
  fileprivate func asFound(by user: TargetUser) -> ProgramLookup {
    guard case .found(let file) = self, FileAccess.refusal(file.path, .execute) == .permissionDenied
    else { return self }
    return .notExecutable(
      path: file.path, reason: FileAccess.whyNotExecutable(file.path, by: user.uid))
  }
}
