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
}
