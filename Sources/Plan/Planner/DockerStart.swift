import Capabilities
import Kong
import Nginx
import Text

extension StartPlanner {
  /// Plans `kong docker-start`: its user prepares Kong's prefix, and nginx takes this process's place.
  ///
  /// - Parameter opening: what is known of any start.
  func dockerStart(_ opening: Plan) -> Plan {
    var plan = opening
    do throws(StartFailure) {
      if let argument = request.kongArguments.first(where: { $0.isPrefixOption }) {
        throw StartFailure.prefixAsArgument(argument)
      }
      let configured = try listeners()
      let generated = host.files.generated
      plan.listeners = configured.listeners(with: generated)
      plan.launchWarnings = configured.warnings(with: generated)
      if generated?.isCurrent == false { plan.notes.append(olderListeners) }
      let needs = try Needs(
        listeners: plan.listeners, requests: request.capabilities, snapshot: host)
      plan.needs = needs.needs
      plan.workers = WorkerProcesses(request, host: host)
      if !needs.wanted.contains(.netRaw) {
        if let warning = plan.listeners.transparencyWarning { plan.launchWarnings.append(warning) }
      }
      let basis = try basis()
      plan.user = basis.user
      let kong = try basis.command(named: "kong")
      var proxy = try basis.proxy()
      try checkDrop(basis)
      plan.wait = try wait()
      // Whoever owns the directory of one of these could put another program in its place.
      let prefix = try Prefix(request.prefix, outside: [proxy.path, request.proxy, host.ownPath])
      let environment = basis.environment(workers: plan.workers, secrets: plan.secrets)
      // What nginx certainly fails without; of what was generated, it opens every listener.
      var certain = needs.ofListeners.intersection(CapabilitySet(.netBindService))
      // What has run is not planned again.
      if generated?.isCurrent != true {
        let listeners = generated == nil ? plan.listeners : configured.listeners(with: nil)
        let need = PrepareNeed(
          settings: configured,
          needs: generated == nil
            ? needs
            : try Needs(listeners: listeners, requests: request.capabilities, snapshot: host),
          request: request, host: host)
        certain = need?.certain ?? []
        let prepare = PreparePlanner(
          basis: basis, prefix: prefix, kong: kong, proxy: proxy,
          environment: basis.childEnvironment(environment), listeners: listeners,
          areCertain: configured.areCertain, need: need)
        plan = prepare.plan(plan)
        if plan.failure != nil { return plan }
        proxy = prepare.strippedProxy
      }
      let execution = Execution(
        path: proxy.path, arguments: [proxy.path, "-p", request.prefix, "-c", "nginx.conf"],
        environment: environment)
      let launch = LaunchPlanner(
        basis: basis, file: proxy, execution: execution, prefix: prefix, certain: certain)
      try plan.launch(launch.outcome(needs, said: plan.prepareWarnings))
      if basis.user.uid == 0 { plan.prepareWarnings.append(runsAsRoot) }
      return plan
    } catch {
      return plan.failing(error)
    }
  }

  private var olderListeners: String {
    "the listeners are those that an earlier kong prepare left in \(request.prefix), and those of the"
      + " settings"
  }

  private var runsAsRoot: Explanation {
    let origin = request.user?.origin.description ?? ""
    return Explanation(
      what: "kong prepare and nginx run as root",
      why: "\(origin) \(request.user.map { ByteString($0.text).description } ?? "") asks"
        + " for it: Lua code and every request run as root",
      waysOut: ["leave out \(origin): as root, kong docker-start drops to the user kong"])
  }
}

extension ByteString {
  /// Whether it is an option of `kong prepare` that names the prefix.
  ///
  /// Kong would prepare another one than that which is given away and that nginx is started in.
  fileprivate var isPrefixOption: Bool {
    self == "--prefix" || bytes.starts(with: "--prefix=".utf8) || bytes.starts(with: "-p".utf8)
  }
}

extension StartFailure {
  fileprivate static func prefixAsArgument(_ argument: ByteString) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "docker-start takes its prefix from KONG_PREFIX, not from \(argument)",
      why: "kong prepare and nginx must use the same one",
      waysOut: ["leave it out, and set KONG_PREFIX in the container's environment"])
  }
}
