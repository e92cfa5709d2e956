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
      accounts: try .read(),
      unprivilegedPortStart: isDockerStart ? try PortRange.unprivilegedStart() : 1024,
      ownsNetwork: isDockerStart ? try NetworkNamespace.isOwned() : true,
      command: try ProgramSearch.find(
        request.command.first ?? "", path: request.environment["PATH"]),
      proxy: isDockerStart ? try ProgramSearch.findProxy(request.proxy) : nil,
      streams: isDockerStart ? StandardStream.readBoth() : [],
      hooks: isDockerStart && request.runsHooks ? try .read() : nil)
  }

  /// Reads once more what can have changed while `kong prepare` ran.
  ///
  /// The accounts cannot: the proxy must run as the very user that the prefix was prepared by.
  ///
  /// - Throws: ``SystemCallFailure`` as the first reading.
  public func readAgain(for request: Request) throws(SystemCallFailure) -> HostSnapshot {
    var again = self
    again.credentials = try ProcessStatus.read()
    again.unprivilegedPortStart = try PortRange.unprivilegedStart()
    again.ownsNetwork = try NetworkNamespace.isOwned()
    again.proxy = try ProgramSearch.findProxy(request.proxy)
    again.streams = StandardStream.readBoth()
    return again
  }
}
