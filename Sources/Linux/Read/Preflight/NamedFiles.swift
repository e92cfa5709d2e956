import Capabilities
import Kong
import Nginx
import Plan
import Preflight
import Services
import Text

// The checks of files, names and limits. Each runs as the user that nginx runs as.

extension PreflightChecks {
  /// The files that settings name, opened by name with that user's rights only.
  func unreadable() -> [Finding] {
    let files = UnreadableCheck.files(of: start)
    guard !files.isEmpty else {
      return [Finding(.unreadable, .skipped("no setting names a file that Kong reads"))]
    }
    return asUser(.unreadable) {
      files.map { file in
        Finding(
          .unreadable, "\(file.use.directive) \(file.use.path.shortened)",
          UnreadableCheck.verdict(
            on: file, NginxObstacle.refusal(for: file.use), in: start, user: user))
      }
    }
  }

  /// The names of hosts in the settings, in a cluster.
  func clusterDNS(patience: Int) -> [Finding] {
    let hosts = ClusterDNSCheck.hosts(of: start)
    if let reason = ClusterDNSCheck.reasonToSkip(start, hosts) {
      return [Finding(.clusterDNS, .skipped(reason))]
    }
    return asUser(.clusterDNS) {
      let resolution = NameResolution(deadline: .now + patience)
      let search = NameResolution.configuration.search
      return hosts.map { host in
        Finding(
          .clusterDNS, host.name.description,
          ClusterDNSCheck.verdict(
            on: host.name, source: host.source, resolution.outcome(of: host.name), search: search))
      }
    }
  }

  /// The time zone of the image.
  func timeZone() -> [Finding] {
    asUser(.timeZone) {
      [Finding(.timeZone, TimeZoneCheck.verdict(.read(start.request.environment["TZ"])))]
    }
  }

  /// What a start says of the time zone, at the cost of an access(2) for each directory of zones.
  func certainOfTimeZone() -> [Explanation] {
    guard let variable = start.request.environment.nonEmpty("TZ"),
      case .warning(let explanation) = TimeZoneCheck.verdict(.read(variable))
    else { return [] }
    return [explanation]
  }

  /// The limit of open files.
  func openFiles() -> [Finding] {
    let (wanted, source) = OpenFilesCheck.wanted(start)
    return [
      Finding(
        .openFiles,
        OpenFilesCheck.verdict(
          limit: ResourceLimit.openFiles.hard, wanted: wanted, source: source,
          mayRaise: start.plan.result?.effective.contains(.sysResource) ?? false))
    ]
  }
}

extension TimeZoneState {
  /// Looks for the file of TZ, or for /etc/localtime.
  fileprivate static func read(_ variable: ByteString?) -> TimeZoneState {
    guard let variable else {
      var state = TimeZoneState(variable: nil)
      if FileAccess.refusal(localTime, .exists) == .noSuchFileOrDirectory {
        state.danglingLink = readLink(localTime)
      }
      return state
    }
    let hasFile = files(of: variable).contains { FileAccess.refusal($0, .read) == nil }
    return TimeZoneState(variable: variable, hasFile: hasFile)
  }
}

extension NameResolution {
  /// What comes of the attempt to resolve a name.
  fileprivate func outcome(of name: ByteString) -> ClusterDNSCheck.Resolution {
    do throws(ServiceObstacle) { _ = try addresses(of: name) } catch { return .failed(error) }
    return .found
  }
}
