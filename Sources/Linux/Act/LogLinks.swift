import Kong
import Text

/// Links Kong's log files to the container's standard output and error.
///
/// Call it as Kong's user.
enum LogLinks {
  /// What was done.
  struct Report: Equatable, Sendable {
    /// The paths of the links that were made or replaced.
    var made: [ByteString] = []
    /// What could not be replaced, and why.
    var left = FirstOfMany<SkippedEntry>()
  }

  /// Makes the links that are missing or lead elsewhere, and PREFIX/logs if it is missing.
  ///
  /// An existing file is replaced in one step, so nginx always finds either the file or the link.
  static func make(in prefix: ByteString) -> Report {
    var report = Report()
    let path = prefix + "/logs"
    do throws(Errno) {
      let directory = try openOrMake(path)
      for link in LogLink.all where directory.target(of: link.name) != link.target {
        do throws(Errno) {
          try replace(link.name, by: link.target, in: directory)
          report.made.append(path + "/" + link.name)
        } catch {
          report.left.append(
            SkippedEntry(path: path + "/" + link.name, reason: error.description))
        }
      }
    } catch {
      report.left.append(SkippedEntry(path: path, reason: error.description))
    }
    return report
  }

  private static func openOrMake(_ path: ByteString) throws(Errno) -> Directory {
    do throws(Errno) {
      return try Directory.open(path, for: .reference)
    } catch {
      guard error == .noSuchFileOrDirectory else { throw error }
    }
    do throws(Errno) { try makeDirectory(path, mode: 0o755) } catch {
      guard error == .fileExists else { throw error }
    }
    return try Directory.open(path, for: .reference)
  }

  /// Replaces whatever has the name, except a directory, by a link (rename(2)).
  private static func replace(
    _ name: ByteString, by target: ByteString, in directory: borrowing Directory
  ) throws(Errno) {
    let temporary = "." + name + ".entrypoint"
    try makeLink(temporary, to: target, in: directory)
    do throws(Errno) { try directory.rename(temporary, to: name) } catch {
      let reason = error
      do throws(Errno) { try directory.remove(temporary) } catch {
        // The next start removes it.
      }
      throw reason
    }
  }

  private static func makeLink(
    _ name: ByteString, to target: ByteString, in directory: borrowing Directory
  ) throws(Errno) {
    do throws(Errno) { try directory.link(name, to: target) } catch {
      guard error == .fileExists else { throw error }
      // A start that was killed left this one.
      try directory.remove(name)
      try directory.link(name, to: target)
    }
  }
}

extension LogLinks.Report {
  /// One warning if a log may not reach the container's output.
  var warnings: [Explanation] {
    if left.isEmpty { return [] }
    return [
      Explanation(
        what: "Kong's logs may not reach the container's output", why: left.listed { $0.text },
        waysOut: [
          "remove what is in the way, or let Kong's user write the directory",
          "name the logs: KONG_PROXY_ACCESS_LOG=/dev/stdout, KONG_PROXY_ERROR_LOG=/dev/stderr, ...",
        ])
    ]
  }
}
