import Capabilities
import Kong
import Nginx
package import Plan
package import Preflight
package import Text

/// The checks of a start, each with the facts that it needs.
///
/// A check that could hang, or be misled by files of the user, runs in a process of its own, as the user,
/// without privileges and with a time limit. If that process fails, only its check is lost.
package struct PreflightChecks {
  let start: CheckedStart
  let user: TargetUser
  /// The nginx of this prefix, if it runs already: then what is there now is checked.
  private(set) var nginx: RunningNginx?

  /// The checks of `kong docker-start`.
  ///
  /// - Returns: nil if it is not known who would run nginx: then the plan says why.
  package init?(_ start: CheckedStart) {
    guard let user = start.plan.user else { return nil }
    (self.start, self.user) = (start, user)
  }

  /// Makes these checks, in their order.
  package func findings(of names: [CheckName]) -> [Finding] {
    guard start.request.isDockerStart else {
      return names.map { Finding($0, .skipped("the command is not kong docker-start")) }
    }
    var checks = self
    checks.nginx = RunningNginx.find(
      in: start.request.prefix, as: user, own: own, keeping: boundPorts,
      patience: PreflightChecks.patience)
    return names.flatMap { checks.findings(of: $0) }
  }

  private func findings(of name: CheckName) -> [Finding] {
    switch name {
    case .running: running()
    case .address:
      asUser(name) {
        start.eachListener(name) { _, listener in
          AddressCheck.verdict(
            on: listener, AddressState.read(of: listener), user: user, isRoot: start.isRoot)
        }
      }
    case .portTaken:
      withPortStates(name) { states in
        start.eachListener(name) { PortChecks.taken($1, states[$0]) }
      }
    case .portShared: withPortStates(name, shared)
    case .hostportHijack: hostportHijack(patience: 300)
    case .unreadable: unreadable()
    case .clusterDNS: clusterDNS(patience: 700)
    case .timeZone: timeZone()
    case .openFiles: openFiles()
    case .workers: workers()
    case .memory: memory()
    case .prefix: prefix()
    }
  }

  // MARK: the nginx that runs

  private func running() -> [Finding] {
    guard let nginx else { return [Finding(.running, .skipped("no nginx of this prefix runs"))] }
    let tables = Dictionary(
      uniqueKeysWithValues: [false, true].map { isUDP in
        (isUDP, [false, true].flatMap { SocketTable.read(isIPv6: $0, isUDP: isUDP) })
      })
    let credentials = RunningCheck.credentials(
      nginx.credentials, planned: start.plan.result, process: Int(nginx.process),
      names: start.snapshot.capabilityNames)
    return [credentials]
      + start.eachListener(.running) { _, listener in
        RunningCheck.verdict(on: listener, tables[listener.transport == .udp] ?? []) {
          nginx.has($0)
        }
      }
  }

  // MARK: ports

  /// What nginx will have to bind ports with.
  private var boundPorts: CapabilitySet {
    start.plan.result?.effective.intersection(CapabilitySet(.netBindService)) ?? []
  }

  /// Finds something about each listener's port.
  ///
  /// - Parameter find: gets a state for each listener that is looked at.
  private func withPortStates(_ name: CheckName, _ find: ([PortState]) -> [Finding]) -> [Finding] {
    if start.request.environment[InheritedSockets.variable] != nil {
      return [Finding(name, .skipped("nginx gets open sockets, which NGINX names"))]
    }
    let listeners = start.checkedListeners
    switch (inPorts { listeners.map { BindResult($0) } }) {
    case .failure(let failure): return [Finding(name, .skipped(failure.reason))]
    case .success(let results):
      let states = PortStates(for: listeners, as: user, own: own, besides: nginx)
      return find(listeners.indices.map { states.state(of: listeners[$0], results[$0]) })
    }
  }

  private func shared(_ states: [PortState]) -> [Finding] {
    let findings = zip(start.checkedListeners, states).compactMap { listener, state in
      PortChecks.shared(listener, state).map { Finding(.portShared, listener.endpoint, $0) }
    }
    return findings.isEmpty
      ? [Finding(.portShared, .skipped("no listener has the flag reuseport"))] : findings
  }

  /// - Parameter patience: how long an answer is waited for, in milliseconds.
  private func hostportHijack(patience: Int) -> [Finding] {
    guard HostNetwork.isLikely() else {
      return [Finding(.hostportHijack, .skipped("this is not the network of a node"))]
    }
    let listeners = start.checkedListeners
    let isRunning = nginx != nil
    switch (inPorts { ArrivalProbe.run(listeners, isRunning: isRunning, patience: patience) }) {
    case .failure(let failure): return [Finding(.hostportHijack, .skipped(failure.reason))]
    case .success(var arrivals):
      ConnectionTracking.addDestinations(to: &arrivals)
      return start.eachListener(.hostportHijack) {
        HostportHijackCheck.verdict(on: $1, arrivals[$0])
      }
    }
  }

  // MARK: processes without privileges

  private var own: Credentials { start.snapshot.credentials }

  /// How long one check may take, in milliseconds.
  private static let patience = 900

  /// Finds something in a process without privileges.
  func asUser(_ name: CheckName, _ find: () -> [Finding]) -> [Finding] {
    let outcome = ConfinedProcess.run(
      as: user, own: own, patience: PreflightChecks.patience, find)
    switch outcome {
    case .success(let findings): return findings.filter { $0.name == name }
    case .failure(let failure): return [Finding(name, .skipped(failure.reason))]
    }
  }

  /// Reads a fact for each listener in a process that has only what nginx will have to bind ports with.
  private func inPorts<Fact: Message>(_ read: () -> [Fact]) -> Result<
    [Fact], ConfinedProcess.Failure
  > {
    let outcome = ConfinedProcess.run(
      as: user, own: own, patience: PreflightChecks.patience, keeping: boundPorts, read)
    guard case .success(let facts) = outcome, facts.count != start.checkedListeners.count else {
      return outcome
    }
    return .failure(.malformed)
  }

  // MARK: in a start

  /// How long a start waits for connections to itself, in milliseconds.
  private static let patienceOfStart = 3

  /// The certain failures that a start can find at nearly no cost.
  ///
  /// The kernel's lists of sockets, which take it 10 ms and more on a large machine, are read only if bind(2)
  /// says that somebody has a port. Connections are made on the network of a node only.
  package func certain(of names: [CheckName]) -> [Explanation] {
    guard start.request.isDockerStart else { return [] }
    var findings: [Finding] = []
    let ofPorts = names.filter { $0 == .portTaken || $0 == .portShared }
    if !ofPorts.isEmpty, isAPortTaken {
      findings += ofPorts.flatMap { self.findings(of: $0) }
    }
    if names.contains(.hostportHijack), HostNetwork.isLikely() {
      findings += hostportHijack(patience: PreflightChecks.patienceOfStart)
    }
    return findings.compactMap { $0.failure }
      + (names.contains(.timeZone) ? certainOfTimeZone() : [])
  }

  private var isAPortTaken: Bool {
    start.checkedListeners.contains { BindResult($0, shares: false).error == .addressInUse }
  }
}
