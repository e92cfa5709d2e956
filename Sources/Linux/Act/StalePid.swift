import Kong
import Text

/// Removes the pid file that a crashed Kong left behind.
///
/// Call it as Kong's user.
enum StalePid {
  /// What became of the file.
  enum Outcome: Equatable, Sendable {
    /// There is none, or it is empty, as `nginx -t` leaves it: no command reads that as a running nginx.
    case absent
    /// It named no process, or a process that is not an nginx of this prefix.
    case removed(process: Int32?)
    /// It names a running nginx of this prefix, and stays.
    case running(process: Int32)
    /// It could not be judged or removed, for this reason.
    case left(String)
  }

  /// In bytes; more than a process number has digits.
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

  /// The nginx master of this prefix that the file names; nil if there is none, or it is not known.
  static func runningMaster(in prefix: ByteString) -> Int32? {
    let path = prefix + "/" + PidFile.directory
    do throws(Errno) {
      let directory = try Directory.open(path, for: .reference)
      let pinned = try PinnedFile(PidFile.name, in: directory, at: path)
      guard pinned.isRegular,
        let process = PidFile.process(try pinned.open().contents(limit: limit)),
        try isMaster(process, of: prefix)
      else { return nil }
      return process
    } catch {
      return nil
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
    // An nginx may have written a new one meanwhile.
    guard directory.stillNames(PidFile.name, pinned.status) else {
      return .left("it was replaced while it was examined")
    }
    try directory.remove(PidFile.name)
    return .removed(process: process)
  }

  private static func isMaster(_ process: Int32, of prefix: ByteString) throws(Errno) -> Bool {
    do throws(Errno) {
      let file = try OpenFile(ofKernel: ByteString("/proc/\(process)/cmdline"))
      return PidFile.isMaster(try file.contents(limit: commandLineLimit), of: prefix)
    } catch {
      // A process that can be signalled exists, even if /proc is masked or not mounted.
      let isThere = RunningProcess(number: process).maySignal
      if error == .noSuchFileOrDirectory, !isThere { return false }
      // It has just ended.
      if error == .noSuchProcess { return false }
      throw error
    }
  }
}

extension StalePid.Outcome {
  /// The warning for the log; nil if there was no file.
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
        why: "two Kongs with one prefix overwrite each other's sockets, configuration and logs",
        waysOut: ["give each Kong a prefix of its own with KONG_PREFIX", "stop the other"])
    case .left(let reason):
      return Explanation(
        what: "\(path) stays: it is not known whether the nginx that it names runs", why: reason,
        waysOut: ["remove it while Kong is stopped: kong health trusts it"])
    }
  }
}
