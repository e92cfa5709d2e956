@testable import Capabilities
@testable import Linux
@testable import Plan
@testable import Text
import Glibc
import Testing

/// In separate processes: a child of this one would have only one of its threads.
@Suite("A child that fails")
struct ChildProcessTests {
  private struct Difference: Error {
    var text: String
  }

  private static func fail(
    with status: Int32, saying why: String?,
    _ body: (_ signals: StopSignals, _ hasExplained: borrowing SharedFlag) -> Never
  ) throws {
    do throws(StartFailure) {
      try ChildProcess.run(name: "a program", uid: nil, body)
    } catch {
      guard error.status == status, error.explanation?.why == why else {
        throw Difference(text: "\(error)")
      }
      return
    }
    throw Difference(text: "it did not fail")
  }

  @Test("with a status above 128 counts as not killed")
  func status() async {
    await #expect(processExitsWith: .success) {
      for status: Int32 in [1, 126, 129, 137, 255] {
        try ChildProcessTests.fail(with: status, saying: "it ended with status \(status)") { _, _ in
          _exit(status)
        }
      }
    }
  }

  @Test("by a signal is reported with the signal's name")
  func signal() async {
    await #expect(processExitsWith: .success) {
      for (number, why) in [
        (SIGKILL, "SIGKILL (9) ended it"), (SIGUSR1, "SIGUSR1 (10) ended it"),
        (40, "signal (40) ended it"),
      ] {
        try ChildProcessTests.fail(with: 128 + number, saying: why) { _, _ in
          // The test's thread blocks signals.
          var all = sigset_t()
          sigfillset(&all)
          sigprocmask(SIG_UNBLOCK, &all, nil)
          kill(getpid(), number)
          _exit(0)
        }
      }
    }
  }

  @Test("before its exec is reported once, by itself")
  func beforeExec() async {
    await #expect(processExitsWith: .success) {
      try ChildProcessTests.fail(with: 127, saying: nil) { _, hasExplained in
        hasExplained.set()
        _exit(127)
      }
      let executor = Executor(
        environment: EnvironmentBlock(CStrings(nil)), names: CapabilityNames([]),
        log: Log(level: .error, format: .text))
      let absent = Execution(path: "/no/such", arguments: ["such"], environment: [])
      do throws(StartFailure) {
        _ = try executor.run([.run([.exec(absent)], endsOrphans: false)])
      } catch {
        guard error == StartFailure(status: 127) else { throw Difference(text: "\(error)") }
        return
      }
      throw Difference(text: "it did not fail")
    }
  }

  @Test("because it reads the terminal has not stopped before that")
  func terminal() throws {
    let outcome = try shell(
      """
      mkdir "$T/bin"; cp /bin/true "$T/bin/nginx"
      printf '#!/bin/sh\\ncat || exit 9\\n' > "$T/bin/kong"; chmod +x "$T/bin/kong"
      export PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" KONG_PREFIX="$T/prefix"
      timeout --signal KILL 20 python3 -c 'import os, pty, sys
      sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \\
        "$ENTRYPOINT" --user www-data kong docker-start
      """)
    #expect(outcome.status == 9, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("Input/output error"))
  }
}
