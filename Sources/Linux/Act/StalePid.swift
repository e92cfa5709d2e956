import Kong
import Text

/// Removes the pid file that a Kong which ended by a crash has left behind.
///
/// To be called as the user that Kong runs as.
enum StalePid {
  /// What became of the file.
  enum Outcome: Equatable, Sendable {
    /// There is none, or it is empty, as `nginx -t` leaves it: no command takes that for a running nginx.
    case absent
    /// It named no process, or one that is not a running nginx of this prefix.
    case removed(process: Int32?)
    /// It names a running nginx of this prefix, and stays.
    case running(process: Int32)
    /// It could not be judged or removed; with errno(3) in words.
    case left(String)
  }

  /// In bytes; no process number has as many digits.
  private static let limit = 32
  /// In bytes: nginx's arguments begin with the prefix, and no path is longer than PATH_MAX.
  private static let commandLineLimit = 2 * PathLimit.path

  /// Removes the file unless its process is an nginx master of this prefix.
  ///
  /// - Parameter prefix: Kong's working directory. A link inside is never followed.
  static func remove(in prefix: ByteString) -> Outcome {
    let path = prefix + "/" + PidFile.directory
    do throws(Errno) {
      let directory = try Directory.open(path, for: .reference)
      return try removeUnlessRunning(in: directory, at: path, prefix: prefix)
    } catch {
      return error == .noSuchFileOrDirectory ? .absent : .left(error.description)
    }
  }

  private static func removeUnlessRunning(
    in directory: borrowing Directory, at path: ByteString, prefix: ByteString
  ) throws(Errno) -> Outcome {
    let pinned = try PinnedFile(PidFile.name, in: directory, at: path)
    guard pinned.isRegular else { return .left("it is not a regular file") }
    let contents = try pinned.open().contents(limit: limit)
    if contents.isEmpty { return .absent }
    let process = PidFile.process(contents)
    if let process, try isMaster(process, of: prefix) { return .running(process: process) }
    // An nginx may have written its own meanwhile.
    guard isUnchanged(pinned.status, in: directory) else {
      return .left("it was replaced while it was looked at")
    }
    try directory.remove(PidFile.name)
    return .removed(process: process)
  }

  private static func isUnchanged(_ judged: FileStatus, in directory: borrowing Directory) -> Bool {
    do throws(Errno) {
      let named = try directory.status(of: PidFile.name)
      return named.isSameFile(as: judged) && named.modification == judged.modification
    } catch {
      return false
    }
  }

  private static func isMaster(_ process: Int32, of prefix: ByteString) throws(Errno) -> Bool {
    do throws(Errno) {
      let file = try OpenFile(ofKernel: ByteString("/proc/\(process)/cmdline"))
      return PidFile.isMaster(try file.contents(limit: commandLineLimit), of: prefix)
    } catch {
      // A process that may be signalled, and that /proc does not show, is there all the same: /proc is
      // masked, or not mounted.
      let isThere = RunningProcess(number: process).maySignal
      if error == .noSuchFileOrDirectory, !isThere { return false }
      // It ended at this very moment.
      if error == .noSuchProcess { return false }
      throw error
    }
  }
}

extension StalePid.Outcome {
  /// What a person should know of it; nil where there was no file.
  func warning(prefix: ByteString) -> Explanation? {
    let path = PidFile.path(in: prefix)
    switch self {
    case .absent: return nil
    case .removed(let process):
      let content =
        process.map { "process \($0), which is not a running nginx of this prefix" }
        ?? "no process"
      return Explanation(
        what: "removed \(path): it named \(content)",
        why: "the previous Kong did not shut down cleanly; with this file kong health could succeed"
          + " before nginx listens, and kong start would refuse",
        waysOut: [
          "find out why it ended; docker stop --time, or Kubernetes' terminationGracePeriodSeconds,"
            + " gives it more time"
        ])
    case .running(let process):
      return Explanation(
        what: "\(path) stays: process \(process) is a running nginx of this prefix",
        why: "two Kongs with one prefix take each other's sockets, configuration and logs away",
        waysOut: ["give each Kong a prefix of its own with KONG_PREFIX", "stop the other"])
    case .left(let reason):
      return Explanation(
        what: "\(path) stays, whether the nginx that it names runs or not", why: reason,
        waysOut: ["remove it where Kong does not run: kong health goes by it"])
    }
  }
}
