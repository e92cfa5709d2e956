import Text

extension HookDirectory {
  /// What is to be run, in order, and what is to be said.
  struct Selection: Equatable {
    var programs: [HookFile] = []
    var warnings: [Explanation] = []
  }

  /// Chooses what is run as `user`.
  ///
  /// - Throws: ``StartFailure`` where `user` could write what it would run at the next start: then
  ///   whoever takes over the proxy once would stay. And where `user` may not execute one.
  func selection(for user: TargetUser) throws(StartFailure) -> Selection {
    if let unreadable { throw HookDirectory.cannotList(unreadable) }
    if files.isEmpty { return Selection() }
    try check(resolvedEntries, named: HookDirectory.path, user: user)
    var selection = Selection()
    let sorted = files.sorted { ByteString.versionOrder($0.name, $1.name) }
    let scripts = sorted.filter { $0.isEnvironmentScript }
    if !scripts.isEmpty { selection.warnings.append(HookDirectory.environmentScripts(scripts)) }
    for file in sorted where !file.isEnvironmentScript {
      if !file.isExecutable {
        selection.warnings.append(HookDirectory.notExecutable(file))
      } else {
        try check(file.resolvedEntries, named: file.path, user: user)
        if let why = file.refusal { throw .notExecutable(file.path, why: why, waysOut: file.ways) }
        selection.programs.append(file)
      }
    }
    return selection
  }

  private func check(
    _ entries: [PathEntry], named path: ByteString, user: TargetUser
  ) throws(StartFailure) {
    let writer = user.uid == 0 ? nil : user
    guard let entry = entries.firstWritable(by: writer) else { return }
    let who = user.uid == 0 ? "users other than root" : user.description
    let hooks = path == HookDirectory.path ? "the hooks in" : "the hook"
    throw StartFailure(
      status: ExitStatus.configuration,
      what: "\(hooks) \(path) cannot be trusted: \(who) could write \(entry.path)",
      why:
        "\(entry.path) has \(entry.description), and is not on a read-only mount; whoever"
        + " takes over the proxy could leave code there for every later start",
      waysOut: [
        "in the image: chown -R root:root \(HookDirectory.path) and chmod -R go-w"
          + " \(HookDirectory.path)",
        "mount it read-only: docker run -v ./hooks:\(HookDirectory.path):ro, Kubernetes readOnly:"
          + " true",
        "run no hooks: ENTRYPOINT_HOOKS=off",
      ])
  }

  /// A hook that is silently left out could be the one that makes the start safe.
  private static func cannotList(_ reason: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "the hooks in \(path) cannot be listed", why: reason,
      waysOut: [
        "let everybody read it: chmod 755 \(path)", "run no hooks: ENTRYPOINT_HOOKS=off",
      ])
  }

  private static func notExecutable(_ file: HookFile) -> Explanation {
    Explanation(
      what: "\(file.path) is not run", why: "no user may execute it",
      waysOut: [
        "chmod +x it in the image, or in a ConfigMap set defaultMode: 0755", "remove it",
      ])
  }

  private static func environmentScripts(_ files: [HookFile]) -> Explanation {
    let paths = files.map { $0.path.description }.joined(separator: ", ")
    return Explanation(
      what: "\(paths): ignored, because .envsh files are not supported",
      why: "only a shell could import their variables, and entrypoint starts none",
      waysOut: ["set the variables in the container's environment", "remove it"])
  }
}

extension HookFile {
  /// The ways past a hook that its user may not execute.
  fileprivate var ways: [String] {
    [StartFailure.wayToExecute(path), "remove it", "run no hooks: ENTRYPOINT_HOOKS=off"]
  }
}
