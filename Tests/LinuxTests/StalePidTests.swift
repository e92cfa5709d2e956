@testable import Linux
@testable import Text
import Foundation
import Testing

@Suite("The pid file in the prefix")
struct StalePidTests {
  /// What happens to a file, and what is left in PREFIX/pids.
  private func judge(
    _ setup: String, prefix: String = "prefix"
  ) throws -> (outcome: StalePid.Outcome, left: String, warning: Explanation?) {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(#"cd "$T"; mkdir -p prefix/pids; cd prefix/pids; "# + setup)
    #expect(made.status == 0, "\(made.errors)")
    let path = ByteString(shell.directory.path + "/" + prefix)
    let outcome = StalePid.remove(in: path)
    let left = try shell.run(#"cd "$T/prefix/pids"; ls -A"#).output
    return (outcome, left, outcome.warning(prefix: path))
  }

  @Test("is removed if it names no process, one that has ended, or one that is not nginx")
  func stale() throws {
    for (contents, process) in [
      ("1", 1), ("\(getpid())", getpid()), ("4194304", 4_194_304), ("", nil), ("no number", nil),
    ] as [(String, Int32?)] {
      let (outcome, left, warning) = try judge("echo '\(contents)' > nginx.pid")
      #expect(outcome == .removed(process: process) && left.isEmpty)
      #expect(warning?.what.contains("prefix/pids/nginx.pid") == true)
    }
  }

  @Test("causes no message if it is empty, as each nginx -t leaves it")
  func empty() throws {
    let (outcome, left, warning) = try judge(": > nginx.pid")
    #expect(outcome == .absent && left == "nginx.pid\n" && warning == nil)
  }

  @Test("stays if it names a running nginx of this prefix, and goes if that belongs to another")
  func running() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let companion = try Companion(
      in: shell.directory,
      """
      os.makedirs("prefix/pids"); os.makedirs("other/pids")
      child = os.posix_spawn("/bin/sleep", ["nginx: master process nginx -p "
        + os.getcwd() + "/prefix -c nginx.conf", "100"], {})
      for prefix in "prefix", "other":
        print(child, file=open(prefix + "/pids/nginx.pid", "w"))
      import atexit, signal; atexit.register(lambda: os.kill(child, signal.SIGKILL))
      # Until it has exec'd, its command line is this program's.
      while not open(f"/proc/{child}/cmdline").read().startswith("nginx"): pass
      ready()
      """)
    let prefix = ByteString(shell.directory.path + "/prefix")
    guard case .running(let process) = StalePid.remove(in: prefix) else {
      Issue.record("it does not count as running")
      return
    }
    let other = ByteString(shell.directory.path + "/other")
    #expect(StalePid.remove(in: other) == .removed(process: process))
    #expect(try shell.run(#"cd "$T"; ls */pids/*"#).output == "prefix/pids/nginx.pid\n")
    let warning = StalePid.Outcome.running(process: process).warning(prefix: prefix)
    #expect(warning?.what.contains("process \(process) is a running nginx") == true)
    try companion.finish()
  }

  @Test("is not read through a link, and stays with a warning if it is not a regular file")
  func links() throws {
    let link = try judge("echo 1 > ../outside; ln -s ../outside nginx.pid")
    #expect(link.outcome == .left("it is not a regular file"))
    #expect(link.left == "nginx.pid\n" && link.warning?.why == "it is not a regular file")
    #expect(try judge("mkfifo nginx.pid").outcome == .left("it is not a regular file"))
    let directory = try judge(
      "mkdir ../outside; echo 1 > ../outside/nginx.pid; cd ..; rmdir pids; ln -s outside pids")
    #expect(directory.outcome == .left("Not a directory") && directory.left == "nginx.pid\n")
  }

  @Test("may be missing, or its directory, or the prefix")
  func absent() throws {
    #expect(try judge("true").outcome == .absent)
    #expect(try judge("true", prefix: "nowhere").outcome == .absent)
    #expect(StalePid.Outcome.absent.warning(prefix: "/p") == nil)
  }

  @Test("is gone before the first program of a start runs, and the start itself warns")
  func order() throws {
    let outcome = try shell(
      """
      mkdir -p "$T/bin" "$T/prefix/pids"; echo 1 > "$T/prefix/pids/nginx.pid"
      printf '#!/bin/sh\\nls -A "$KONG_PREFIX/pids"; id -un\\n' > "$T/bin/kong"; chmod +x "$T/bin/kong"
      cp /bin/true "$T/bin/nginx"
      PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" "$ENTRYPOINT" --user www-data \\
        --proxy "$T/bin/nginx" kong docker-start
      """)
    #expect(outcome.output == "www-data\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("entrypoint: warn: removed "), "\(outcome.errors)")
    #expect(outcome.errors.contains("/prefix/pids/nginx.pid: it named process 1, which is not"))
  }
}
