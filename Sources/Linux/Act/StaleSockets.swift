import Text

/// Removes the sockets that a crashed Kong left behind (unix(7)).
///
/// Call it as Kong's user.
///
/// A socket stays in the file system after its process has ended, and nginx cannot bind to its name again.
enum StaleSockets {
  /// What was found.
  struct Report: Equatable, Sendable {
    /// The paths of removed sockets: nobody listened.
    var removed = FirstOfMany<ByteString>()
    /// The paths of sockets that a process answers on; they stay.
    var answered = FirstOfMany<ByteString>()
    /// What could not be judged or removed, and why.
    var left = FirstOfMany<SkippedEntry>()
  }

  /// Removes from the prefix and from its directory "sockets" each socket that nobody listens on.
  ///
  /// - Parameter prefix: Kong's working directory. A link inside is never followed.
  static func remove(in prefix: ByteString) -> Report {
    var report = Report()
    for path in [prefix, prefix + "/sockets"] { sweep(path, isPrefix: path == prefix, &report) }
    return report
  }

  private static func sweep(_ path: ByteString, isPrefix: Bool, _ report: inout Report) {
    do throws(Errno) {
      // The prefix itself may be a link, as for nginx.
      let directory = try Directory.open(isPrefix ? path + "/." : path)
      try directory.forEachEntry { entry in
        guard entry.kind == .socket || entry.kind == .unknown else { return }
        do throws(Errno) {
          switch try removeUnlessAnswered(entry, in: directory) {
          case .stale: report.removed.append(path + "/" + entry.name)
          case .answered: report.answered.append(path + "/" + entry.name)
          case .noSocket: break
          }
        } catch {
          report.left.append(
            SkippedEntry(path: path + "/" + entry.name, reason: error.description))
        }
      }
    } catch {
      if error == .noSuchFileOrDirectory { return }
      report.left.append(SkippedEntry(path: path, reason: error.description))
    }
  }

  private enum State {
    case noSocket
    case stale
    case answered
  }

  private static func removeUnlessAnswered(
    _ entry: borrowing DirectoryEntry, in directory: borrowing Directory
  ) throws(Errno) -> State {
    let pinned: Descriptor
    do throws(Errno) { pinned = try directory.reference(to: entry) } catch {
      if error == .noSuchFileOrDirectory { return .noSocket }
      throw error
    }
    let asked = try pinned.status()
    guard asked.type == .socket else { return .noSocket }
    if try isAnswered(pinned) { return .answered }
    // Another Kong may have replaced it meanwhile.
    guard directory.stillNames(entry, asked) else { return .noSocket }
    try directory.remove(entry)
    return .stale
  }

  /// Whether a process holds the socket: tries to connect to it (connect(2)).
  ///
  /// The address names the descriptor: the path may be longer than the 108 bytes of an address, and may
  /// lead elsewhere by now.
  private static func isAnswered(_ pinned: borrowing Descriptor) throws(Errno) -> Bool {
    let address = SocketAddress.unix(pinned.path)
    let client = try Socket(for: address, blocks: false)
    do throws(Errno) { try client.connect(to: address) } catch {
      switch error {
      case .connectionRefused: return false
      // The queue is full; or the socket has another type, and a process holds it.
      case .resourceTemporarilyUnavailable, .protocolWrongTypeForSocket: return true
      default: throw error
      }
    }
    return true
  }
}

extension StaleSockets.Report {
  /// The warnings for the log: one for each kind.
  func warnings(prefix: ByteString) -> [Explanation] {
    var warnings: [Explanation] = []
    if !answered.isEmpty {
      warnings.append(
        Explanation(
          what: "another process listens on sockets in the prefix \(prefix):"
            + " \(answered.listed { $0.description })",
          why: "two Kongs with one prefix overwrite each other's sockets, configuration and logs",
          waysOut: ["give each Kong a prefix of its own with KONG_PREFIX", "stop the other"]))
    }
    if !removed.isEmpty {
      warnings.append(
        Explanation(
          what: "removed sockets that nobody listens on from the prefix \(prefix):"
            + " \(removed.listed { $0.description })",
          why: "the previous Kong did not shut down cleanly, and nginx could not bind to them",
          waysOut: [
            "find out why it was killed; docker stop --time, or Kubernetes'"
              + " terminationGracePeriodSeconds, gives it more time to stop"
          ]))
    }
    if !left.isEmpty {
      warnings.append(
        Explanation(
          what:
            "sockets in the prefix \(prefix) stay: it is not known whether a process listens on them",
          why: left.listed { $0.text },
          waysOut: ["remove them while Kong is stopped, if nginx cannot bind to them"]))
    }
    return warnings
  }
}
