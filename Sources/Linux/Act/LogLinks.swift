import Kong
import Text
import Glibc
import SystemPackage

/// Links Kong's log files to the container's standard output and error.
///
/// To be called as the user that Kong runs as.
enum LogLinks {
  /// What was done.
  struct Report: Equatable, Sendable {
    /// The paths of the links that were made or replaced.
    var made: [ByteString] = []
    /// What is in the way, and why it stays.
    var left = FirstOfMany<LeftEntry>()
  }

  /// Makes the links that are not there or lead elsewhere, and the directory PREFIX/logs if need be.
  ///
  /// A file in the way is replaced in one step, so that nginx finds one of the two at any time.
  static func make(in prefix: ByteString) -> Report {
    var report = Report()
    let path = prefix + "/logs"
    do throws(Errno) {
      let directory = try openOrMake(path)
      for link in LogLink.all where readLink(link.name, in: directory.descriptor) != link.target {
        let (name, target) = (link.name, link.target)
        do throws(Errno) {
          try replace(name, by: target, in: directory.descriptor)
          report.made.append(path + "/" + name)
        } catch {
          report.left.append(
            LeftEntry(path: path + "/" + name, reason: String(describing: error)))
        }
      }
    } catch {
      report.left.append(LeftEntry(path: path, reason: String(describing: error)))
    }
    return report
  }

  private static func openOrMake(_ path: ByteString) throws(Errno) -> Directory {
    do throws(Errno) {
      return try Directory.open(path, access: openPath)
    } catch {
      guard error == .noSuchFileOrDirectory else { throw error }
      let result = path.withCString { mkdir($0, 0o755) }
      guard result == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
      return try Directory.open(path, access: openPath)
    }
  }

  /// Puts a link in the place of whatever has the name but a directory (rename(2)).
  private static func replace(
    _ name: ByteString, by target: ByteString, in directory: CInt
  ) throws(Errno) {
    let temporary = "." + name + ".entrypoint"
    try makeLink(temporary, to: target, in: directory)
    let result = temporary.withCString { old in
      name.withCString { renameat(directory, old, directory, $0) }
    }
    guard result != 0 else { return }
    let reason = Errno(rawValue: errno)
    _ = temporary.withCString { unlinkat(directory, $0, 0) }
    throw reason
  }

  private static func makeLink(
    _ name: ByteString, to target: ByteString, in directory: CInt
  ) throws(Errno) {
    let link = { target.withCString { old in name.withCString { symlinkat(old, directory, $0) } } }
    if link() == 0 { return }
    // A start that was killed has left one.
    let isRemoved = errno == EEXIST && name.withCString { unlinkat(directory, $0, 0) } == 0
    guard isRemoved, link() == 0 else { throw Errno(rawValue: errno) }
  }
}

extension LogLinks.Report {
  /// What a person should know of it: nothing where every log goes where it should.
  var warnings: [Explanation] {
    if left.isEmpty { return [] }
    return [
      Explanation(
        what: "Kong's logs may not reach the container's output", why: left.listed(\.text),
        waysOut: [
          "remove what is in the way, or let Kong's user write the directory",
          "name the logs: KONG_PROXY_ACCESS_LOG=/dev/stdout, KONG_PROXY_ERROR_LOG=/dev/stderr, ...",
        ])
    ]
  }
}
