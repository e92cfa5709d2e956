@testable import Linux
@testable import Text
import Foundation
import Testing

@Suite("Log links")
struct LogLinkTests {
  private static let listing =
    #"cd "$T/logs"; for f in *; do echo "$f $(readlink "$f")"; done; ls -A | wc -l"#
  private static let right = """
    access.log /dev/stdout
    admin_access.log /dev/stdout
    error.log /dev/stderr
    3

    """

  /// Prepares a prefix by a script, makes the links, and checks.
  private func make(
    _ script: String, _ check: (LogLinks.Report, Shell) throws -> Void
  ) throws {
    let shell = try Shell()
    defer { shell.remove() }
    let outcome = try shell.run(script)
    try #require(outcome.status == 0, "\(outcome.errors)")
    try check(LogLinks.make(in: ByteString(shell.directory.path)), shell)
  }

  @Test(
    "replace whatever is there: nothing, files, other links, and what a killed start left",
    arguments: [
      "true", #"mkdir "$T/logs""#,
      #"mkdir "$T/logs"; cd "$T/logs"; echo old > access.log; ln -s /etc/passwd error.log"#,
      #"mkdir "$T/logs"; cd "$T/logs"; ln -s nowhere admin_access.log; mkfifo access.log"#,
      #"mkdir "$T/logs"; cd "$T/logs"; for f in access error; do ln -s x .$f.log.entrypoint; done"#,
      #"mkdir "$T/logs"; cd "$T/logs"; ln -s /dev/stdout1 access.log; ln -s /dev/stdou error.log"#,
    ])
  func replace(script: String) throws {
    try make(script) { report, shell in
      #expect(report.made.count == 3 && report.left.isEmpty && report.warnings.isEmpty)
      let found = try shell.run(LogLinkTests.listing).output
      #expect(found == LogLinkTests.right)
    }
  }

  @Test("that are already right are not changed")
  func right() throws {
    let times = #"stat -c '%i %y %z' "$T/logs" "$T"/logs/*"#
    try make("true") { _, shell in
      let before = try shell.run(times).output
      #expect(LogLinks.make(in: ByteString(shell.directory.path)) == LogLinks.Report())
      #expect(try shell.run(times).output == before)
    }
  }

  @Test("do not replace a directory, and the start reports it")
  func directory() throws {
    try make(#"mkdir -p "$T/logs/error.log/kept""#) { report, shell in
      #expect(report.made.count == 2)
      #expect(
        report.left.shown.map(\.path) == [ByteString(shell.directory.path + "/logs/error.log")])
      #expect(report.warnings.count == 1)
      let names = try shell.run(#"ls -A "$T/logs" "$T/logs/error.log""#).output
      #expect(names.contains("kept") && !names.contains("entrypoint\n"))
    }
  }

  @Test("are not made through a link in place of the directory or of a file")
  func link() throws {
    for script in [#"mkdir "$T/other"; ln -s other "$T/logs""#, #"echo text > "$T/logs""#] {
      try make(script) { report, shell in
        #expect(report.made.isEmpty && report.left.count == 1 && report.warnings.count == 1)
        let found = try shell.run(#"find "$T" -name '*.log'"#).output
        #expect(found.isEmpty)
      }
    }
  }

  @Test("are never missing while a file is replaced")
  func atomic() throws {
    try make(#"mkdir "$T/logs"; touch "$T/logs/error.log""#) { _, shell in
      let log = shell.directory.appending(path: "logs/error.log").path
      let watcher = try Companion(
        in: shell.directory.appending(path: "logs"),
        """
        ready()
        missing, links, files = 0, 0, 0
        while running():
          try:
            if stat.S_ISLNK(os.lstat("error.log").st_mode): links += 1
            else: files += 1
          except FileNotFoundError: missing += 1
        print(missing, links > 0, files > 0)
        """)
      for _ in 0..<5000 {
        try Data().write(to: URL(filePath: log + ".new"))
        try #require(rename(log + ".new", log) == 0)
        let report = LogLinks.make(in: ByteString(shell.directory.path))
        try #require(report.made.count == 1 && report.left.isEmpty)
      }
      #expect(try watcher.finish() == "0 True True\n")
    }
  }
}
