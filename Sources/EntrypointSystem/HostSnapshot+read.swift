import CLinux
import EntrypointPlan

extension HostSnapshot {
  /// Reads everything that a plan for `request` depends on, and changes nothing.
  ///
  /// - Throws: ``SystemCallFailure`` where /proc does not answer: without it nobody could tell
  ///   afterwards what was really given up.
  public static func read(for request: Request) throws(SystemCallFailure) -> HostSnapshot {
    let isDockerStart = request.isDockerStart
    return HostSnapshot(
      credentials: try ProcessStatus.read(),
      secureExecution: getauxval(UInt(AT_SECURE)) != 0,
      capabilityNames: .ofRunningKernel(),
      accounts: .read(),
      unprivilegedPortStart: isDockerStart ? PortRange.unprivilegedStart() : 1024,
      ownsNetwork: isDockerStart ? NetworkNamespace.isOwned() : true,
      command: ProgramSearch.find(
        request.command.first ?? "", path: request.environment["PATH"]),
      proxy: isDockerStart ? ProgramSearch.findProxy(request.proxy) : nil,
      streams: isDockerStart ? StandardStream.readBoth() : [])
  }

  /// Reads once more what can have changed while `kong prepare` ran.
  ///
  /// The accounts cannot: the proxy must run as the very user that the prefix was prepared by.
  ///
  /// - Throws: ``SystemCallFailure`` as the first reading.
  public func readAgain(for request: Request) throws(SystemCallFailure) -> HostSnapshot {
    var again = self
    again.credentials = try ProcessStatus.read()
    again.unprivilegedPortStart = PortRange.unprivilegedStart()
    again.ownsNetwork = NetworkNamespace.isOwned()
    again.proxy = ProgramSearch.findProxy(request.proxy)
    again.streams = StandardStream.readBoth()
    return again
  }
}
