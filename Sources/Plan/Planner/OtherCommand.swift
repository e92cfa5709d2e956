import Capabilities
import Text

extension StartPlanner {
  /// Plans a command that is not Kong's: unchanged, but for the user and the capabilities that options
  /// name.
  ///
  /// - Parameter opening: what is known of any start.
  func otherCommand(_ opening: Plan) -> Plan {
    var plan = opening
    do throws(StartFailure) {
      guard let name = request.command.first else { throw StartFailure.noCommand }
      let basis = try basis()
      plan.user = basis.user
      // SET_CAP_* speak of Kong's start, or of a command that is run with --user or --cap. Without
      // these, a command that is not Kong's runs unchanged.
      let isUnchanged = basis.target == nil && !request.asksOnCommandLine
      let needs = try Needs(
        listeners: [], requests: isUnchanged ? [] : request.capabilities, snapshot: host)
      plan.needs = needs.needs
      let file = try basis.command(named: name)
      try checkDrop(basis)
      plan.launchWarnings += warningsOfKong(name, as: basis.user)
      plan.wait = try wait()
      let waiting = plan.wait.map { [basis.step(of: $0)] } ?? []
      let execution = Execution(
        path: file.path, arguments: request.command,
        environment: basis.environment(
          workers: WorkerProcesses(request, host: host), secrets: plan.secrets))
      guard isUnchanged else {
        let launch = LaunchPlanner(basis: basis, file: file, execution: execution)
        try plan.launch(launch.outcome(needs, said: plan.prepareWarnings))
        plan.launch = waiting + plan.launch
        return plan
      }
      plan.launch = waiting + [.exec(execution)]
      if case .runs(let credentials, let secureExecution, _) = credentialsAfterExec(
        basis.start, file: file.capabilitiesHonoredAtExec)
      {
        plan.result = credentials
        plan.secureExecution = secureExecution
      }
      return plan
    } catch {
      return plan.failing(error)
    }
  }

  /// What is said of a command of Kong's that is run unchanged.
  private func warningsOfKong(_ name: ByteString, as user: TargetUser) -> [Explanation] {
    if request.isPathOfKong, request.command.dropFirst().first == "docker-start" {
      return [
        Explanation(
          what: "\(name) docker-start is run unchanged, as \(user.description)",
          why:
            "only `kong docker-start`, without a path, is the start that prepares, grants and drops",
          waysOut: ["write: kong docker-start, and put the directory of kong on PATH"])
      ]
    }
    let isKong = request.isPathOfKong || request.isKong
    return isKong && user.uid == 0 ? [Explanation.kongRunsAsRoot] : []
  }
}

extension StartFailure {
  fileprivate static let noCommand = StartFailure(
    status: ExitStatus.usage,
    what: "there is no command to start",
    why: "none was given, and the image has no CMD: ENTRYPOINT in a Dockerfile clears the base"
      + " image's",
    waysOut: [
      "in the Dockerfile, after ENTRYPOINT: CMD [\"kong\", \"docker-start\"]",
      "name it: docker run IMAGE kong docker-start",
    ]
  )
}
