import Nginx
import Capabilities
import Text

extension HostSnapshot {
  /// The steps that let a user open /dev/stdout and /dev/stderr by path, as nginx does; the file behind
  /// is root's, usually a pipe with mode 0600.
  ///
  /// - Parameter target: the user to become, nil to stay.
  func streamSteps(for target: TargetUser?) -> [Step] {
    guard let target, mayGiveStreams(to: target) else { return [] }
    var given: [FileIdentity] = []
    return streams.compactMap { stream in
      guard stream.isWorthGiving(to: target), !given.contains(stream.identity) else { return nil }
      given.append(stream.identity)
      return .changeFile(.giveStream(stream, to: target.uid))
    }
  }

  fileprivate func mayGiveStreams(to target: TargetUser?) -> Bool {
    isDrop(target) && credentials.effective.contains(.chown)
  }
}

/// What is to be said of the standard streams that a command cannot open by path.
struct StreamAccess {
  var request: Request
  var host: HostSnapshot
  /// The user to become, nil to stay.
  var target: TargetUser?

  /// A stream that is needed, as far as is known, and stays closed.
  var warnings: [Explanation] { isNeeded ? explanation.map { [$0] } ?? [] : [] }

  /// The same of a stream that is most likely not needed.
  var notes: [String] { isNeeded ? [] : explanation.map { ["\($0.what): \($0.why)"] } ?? [] }

  private var user: TargetUser { target ?? host.currentUser }

  /// The streams that the user cannot open.
  ///
  /// What a command can open that keeps its user is nothing that this program has changed.
  private var closed: [StandardStream] {
    guard request.isDockerStart || host.isDrop(target) else { return [] }
    return host.streams.filter {
      $0.kind == .socket
        || !host.mayGiveStreams(to: target) && user.uid != 0 && $0.isWorthGiving(to: user)
    }
  }

  // nginx needs them where our links lead there. A `kong` command writes to the streams that it has. Of
  // what any other command opens nothing is known, but a socket is one for everybody.
  private var isNeeded: Bool {
    if request.isDockerStart { return request.linksLogs }
    return !request.runsKong && closed.contains { $0.kind != .socket }
  }

  private var explanation: Explanation? {
    let closed = self.closed
    guard let first = closed.first else { return nil }
    let names = closed.map { "/dev/\($0.name)" }.joined(separator: " and ")
    let lacksChown = host.isDrop(target) && closed.contains { $0.kind != .socket }
    let program = request.command.first.map { $0.shortened } ?? "the command"
    return Explanation(
      what: request.isDockerStart
        ? "nginx cannot open \(names) as \(user.description); it will say: open() failed"
          + " (\(first.obstacle.error))"
        : "\(program) cannot open \(names) as \(user.description) (\(first.obstacle.error))",
      why: closed.map { $0.obstacle.why }.joined(separator: "; ")
        + (lacksChown ? "; this process lacks cap_chown to give it away" : ""),
      waysOut: (lacksChown ? Shortfall.add(["CHOWN"]) : []) + [
        "start the container with a terminal: docker run -t, Kubernetes tty: true",
        request.isDockerStart
          ? "ENTRYPOINT_LOG_LINKS=off, with KONG_PROXY_ACCESS_LOG, KONG_PROXY_ERROR_LOG, ... unset or"
            + " files"
          : "have the command log to files, or to the streams that it has instead of their paths",
      ])
  }
}
