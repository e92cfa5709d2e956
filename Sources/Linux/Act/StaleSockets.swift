import Text
import Glibc
import SystemPackage

/// Removes the sockets that a Kong which ended by a crash has left behind (unix(7)).
///
/// They stay in the file system when their process is gone, and nginx could not bind to their names
/// again. To be called as the user that Kong runs as.
enum StaleSockets {
  /// What was found.
  struct Report: Equatable, Sendable {
    /// The paths of those removed: nobody listened.
    var removed = FirstOfMany<ByteString>()
    /// The paths of those that a living process answers on, which stay.
    var answered = FirstOfMany<ByteString>()
    /// What could not be judged or removed, and why.
    var left = FirstOfMany<LeftEntry>()
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
      // The prefix itself may be reached by a link, as nginx would reach it.
      let directory = try Directory.open(isPrefix ? path + "/." : path)
      let descriptor = directory.descriptor
      try directory.forEachEntry { name, type in
        guard type == DT_SOCK || type == DT_UNKNOWN else { return }
        var socketPath: ByteString { path + "/" + ByteString(cString: name) }
        do throws(Errno) {
          switch try removeUnlessAnswered(name, in: descriptor) {
          case .stale: report.removed.append(socketPath)
          case .answered: report.answered.append(socketPath)
          case .noSocket: break
          }
        } catch {
          report.left.append(LeftEntry(path: socketPath, reason: String(describing: error)))
        }
      }
    } catch {
      if error == .noSuchFileOrDirectory { return }
      report.left.append(LeftEntry(path: path, reason: String(describing: error)))
    }
  }

  private enum State {
    case noSocket
    case stale
    case answered
  }

  private static func removeUnlessAnswered(
    _ name: UnsafePointer<CChar>, in directory: CInt
  ) throws(Errno) -> State {
    let pinned: CInt
    do throws(Errno) { pinned = try openReference(name, in: directory) } catch {
      if error == .noSuchFileOrDirectory { return .noSocket }
      throw error
    }
    defer { close(pinned) }
    var (asked, named) = (stat(), stat())
    guard fstat(pinned, &asked) == 0, asked.st_mode & S_IFMT == S_IFSOCK else { return .noSocket }
    if try isAnswered(pinned) { return .answered }
    // Another Kong may have put its own there meanwhile.
    guard fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0,
      named.st_ino == asked.st_ino, named.st_dev == asked.st_dev
    else { return .noSocket }
    guard unlinkat(directory, name, 0) == 0 else { throw Errno(rawValue: errno) }
    return .stale
  }

  /// Whether a process holds the socket, by trying to connect to it (connect(2)).
  ///
  /// It is named by its descriptor: the path may be longer than the 108 bytes of an address, and may
  /// lead to something else by now.
  private static func isAnswered(_ pinned: CInt) throws(Errno) -> Bool {
    let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let client = socket(AF_UNIX, type, 0)
    guard client >= 0 else { throw Errno(rawValue: errno) }
    defer { close(client) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) {
      $0.copyBytes(from: "/proc/self/fd/\(pinned)".utf8)
    }
    let result = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) { buffer in
        connect(client, buffer.baseAddress, socklen_t(bytes.count))
      }
    }
    if result == 0 { return true }
    switch Errno(rawValue: errno) {
    case .connectionRefused: return false
    // Its queue is full; or a process holds it, as a socket of another type.
    case .resourceTemporarilyUnavailable, .protocolWrongTypeForSocket: return true
    case let reason: throw reason
    }
  }
}

extension StaleSockets.Report {
  /// What a person should know of it: one warning for each kind.
  func warnings(prefix: ByteString) -> [Explanation] {
    var warnings: [Explanation] = []
    if !answered.isEmpty {
      warnings.append(
        Explanation(
          what: "another process listens on sockets in the prefix \(prefix):"
            + " \(answered.listed(\.description))",
          why: "two Kongs with one prefix take each other's sockets, configuration and logs away",
          waysOut: ["give each Kong a prefix of its own with KONG_PREFIX", "stop the other"]))
    }
    if !removed.isEmpty {
      warnings.append(
        Explanation(
          what: "removed sockets that nobody listens on from the prefix \(prefix):"
            + " \(removed.listed(\.description))",
          why: "the previous Kong did not shut down cleanly, and nginx could not bind to them",
          waysOut: [
            "find out why it was killed; docker stop --time, or Kubernetes'"
              + " terminationGracePeriodSeconds, gives it more time to stop"
          ]))
    }
    if !left.isEmpty {
      warnings.append(
        Explanation(
          what: "sockets in the prefix \(prefix) stay, whether somebody listens on them or not",
          why: left.listed(\.text),
          waysOut: ["remove them where Kong does not run, if nginx cannot bind to them"]))
    }
    return warnings
  }
}
