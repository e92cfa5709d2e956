import Nginx
import Capabilities
import Text

extension Basis {
  /// The steps that let the user open /dev/stdout and /dev/stderr by path, as nginx does; the file behind
  /// is root's, usually a pipe with mode 0600.
  var streamSteps: [Step] {
    guard mayGiveStreams else { return [] }
    var given: [FileIdentity] = []
    return host.streams.compactMap { stream in
      guard stream.isWorthGiving(to: user), !given.contains(stream.identity) else { return nil }
      given.append(stream.identity)
      return .changeFile(.giveStream(stream, to: user.uid))
    }
  }

  fileprivate var mayGiveStreams: Bool { isDrop && has(.chown) }
}

/// Explains that a command cannot open the standard streams by path.
struct StreamAccess {
  let basis: Basis

  /// What is said of a stream that is most likely needed and cannot be opened.
  var warnings: [Explanation] { isNeeded ? explanation.map { [$0] } ?? [] : [] }

  /// The same of a stream that is most likely not needed.
  var notes: [String] { isNeeded ? [] : explanation.map { ["\($0.what): \($0.why)"] } ?? [] }

  private var request: Request { basis.request }
  private var user: TargetUser { basis.user }

  /// The streams that the user cannot open.
  ///
  /// If the user stays the same, this program has not changed what the command can open.
  private var closed: [StandardStream] {
    guard request.isDockerStart || basis.isDrop else { return [] }
    return basis.host.streams.filter {
      $0.kind == .socket
        || !basis.mayGiveStreams && user.uid != 0 && $0.isWorthGiving(to: user)
    }
  }

  // nginx opens them if the log links lead there. A `kong` command writes to its open streams. What
  // any other command opens is not known, but a socket was a socket before the drop, too.
  private var isNeeded: Bool {
    if request.isDockerStart { return request.linksLogs }
    return request.role == .otherCommand && closed.contains { $0.kind != .socket }
  }

  /// The way to a start that gives the streams away.
  private var waysAsRoot: [String] {
    guard !basis.isRoot, closed.contains(where: { $0.kind != .socket }) else { return [] }
    return [
      "start as root with cap_chown (docker run --user 0, runAsUser: 0): entrypoint gives them to the user"
        + " that it drops to"
    ]
  }

  private var explanation: Explanation? {
    let closed = self.closed
    guard let first = closed.first else { return nil }
    let names = closed.map { "/dev/\($0.name)" }.joined(separator: " and ")
    let lacksChown = basis.isDrop && closed.contains { $0.kind != .socket }
    let program = request.command.first.map { $0.shortened } ?? "the command"
    return Explanation(
      what: request.isDockerStart
        ? "nginx cannot open \(names) as \(user.description); it will say: open() failed"
          + " (\(first.obstacle.error))"
        : "\(program) cannot open \(names) as \(user.description) (\(first.obstacle.error))",
      why: closed.map { $0.obstacle.why }.joined(separator: "; ")
        + (lacksChown ? "; this process lacks cap_chown, so it cannot change the owner" : ""),
      waysOut: (lacksChown ? EngineFlags.adding(["CHOWN"]) : []) + waysAsRoot + [
        "start the container with a terminal: docker run -t, Kubernetes tty: true",
        request.isDockerStart
          ? "ENTRYPOINT_LOG_LINKS=off, with KONG_PROXY_ACCESS_LOG, KONG_PROXY_ERROR_LOG, ... unset or"
            + " files"
          : "have the command log to files, or to its open streams instead of their paths",
      ])
  }
}
