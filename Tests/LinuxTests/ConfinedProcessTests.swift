@testable import Linux
@testable import Plan
@testable import Text
import CLinux
import Foundation
import Glibc
import Testing

/// A message of any length.
private struct Words: Message, Equatable {
  var text: String

  init(_ text: String) { self.text = text }
  func write(to writer: inout MessageWriter) { writer.text(text) }
  init(from reader: inout MessageReader) throws(MalformedMessage) {
    text = try reader.text(limit: 1 << 30)
  }
}

/// It writes something else than it reads.
private struct Garbage: Message {
  func write(to writer: inout MessageWriter) { writer.number(7) }
  init() {}
  init(from reader: inout MessageReader) throws(MalformedMessage) { _ = try reader.flag() }
}

@Suite("A file that others than root can have written is read by a process")
struct ConfinedProcessTests {
  private static let kong = TargetUser(
    name: "kong", uid: 1337, gid: 1338, groups: [1338, 4242], home: "/")

  private func run<Value: Message>(
    patience: Int = ConfinedProcess.patience, _ body: () -> Value
  ) throws -> Result<Value, ConfinedProcess.Failure> {
    ConfinedProcess.run(
      as: Self.kong, own: try ProcessStatus.read(), patience: patience, body)
  }

  private func failure<Value: Message>(
    patience: Int = ConfinedProcess.patience, _ body: () -> Value
  ) throws -> ConfinedProcess.Failure? {
    if case .failure(let failure) = try run(patience: patience, body) { return failure }
    return nil
  }

  @Test("that has no capability, no group of root's, and no way to gain any")
  func privileges() throws {
    let status = try run {
      let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let names = [
        "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
      ]
      let lines = text.split(separator: "\n").filter { line in
        names.contains { line.hasPrefix($0 + ":") }
      }
      return Words(
        lines.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
          .joined(separator: ", "))
    }
    let none = "0000000000000000"
    #expect(
      try status.get().text == "Uid: 1337 1337 1337 1337, Gid: 1338 1338 1338 1338,"
        + " Groups: 1338 4242, CapInh: \(none), CapPrm: \(none), CapEff: \(none), CapBnd: \(none),"
        + " CapAmb: \(none), NoNewPrivs: 1")
  }

  @Test("that reads nothing of root's, cannot become another user, and is traced by nobody")
  func refusals() throws {
    let answers = try run {
      let shadow = open("/etc/shadow", O_RDONLY | O_CLOEXEC)
      return Words(
        "\(shadow) \(setuid(0)) \(setgroups(0, nil)) \(cap_prctl(Int(PR_GET_DUMPABLE), 0, 0, 0, 0, 0))"
      )
    }
    #expect(try answers.get().text == "-1 -1 -1 0")
  }

  @Test("whose end by a signal, or with a status, is reported with the reason")
  func crash() throws {
    #expect(
      try failure { () -> Words in
        signal(SIGABRT, SIG_DFL)
        abort()
      } == .ended(.killed(SIGABRT)))
    #expect(
      try failure { () -> Words in _exit(3) } == .ended(.exited(3)))
    #expect(
      ConfinedProcess.Failure.ended(.killed(11)).reason
        == "signal 11 ended the process that reads it without privileges")
  }

  @Test("that gets limited time, and is gone after that")
  func hang() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("chmod 777 $T; mkfifo -m 666 $T/alive")
    try #require(made.status == 0)
    // As long as the process lives it holds the fifo open, so that opening it for reading succeeds.
    let path = shell.directory.path + "/alive"
    let failure = try failure(patience: 200) { () -> Words in
      _ = open(path, O_RDWR | O_CLOEXEC)
      while true { pause() }
    }
    #expect(failure == .tooLate(milliseconds: 200))
    #expect(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1 && errno == ENXIO)
  }

  @Test("whose garbage is not an answer, and neither is too much")
  func garbage() throws {
    #expect(try failure { Garbage() } == .malformed)
    let most = ConfinedProcess.messageLimit - 4
    #expect(
      try run { Words(String(repeating: "a", count: most)) }.get().text.utf8.count == most)
    #expect(try failure { Words(String(repeating: "a", count: most + 1)) } == .tooMuch)
  }

  @Test("that can fill neither the memory nor a disk, nor compute for ever")
  func limits() throws {
    let failure = try failure { () -> Words in
      // Swift's own trap would print a backtrace.
      guard let memory = malloc(1 << 30) else { _exit(9) }
      memset(memory, 1, 1 << 30)
      return Words("")
    }
    #expect(failure == .ended(.exited(9)))
    let limits = try run {
      var (processor, file) = (rlimit(), rlimit())
      getrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &processor)
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &file)
      return Words("\(processor.rlim_max) \(file.rlim_max)")
    }
    #expect(try limits.get().text == "5 0")
  }

  /// A start in which a fault hits the process that reads the generated configuration (strace(1)).
  private func start(_ injection: String, prefix owner: String) throws -> Shell.Outcome {
    try shell(
      """
      mkdir -p "$T/bin" "$T/prefix"; chown \(owner) "$T/prefix"
      echo "http { server { listen 81; } }" > "$T/prefix/nginx.conf"
      printf '#!/bin/sh\\n' > "$T/bin/kong"
      printf '#!/bin/sh\\ngrep CapEff /proc/self/status; echo nginx\\n' > "$T/bin/nginx"
      chmod +x "$T/bin"/*
      export PATH="$T/bin:$PATH" ENTRYPOINT_PROXY="$T/bin/nginx" ENTRYPOINT_USER=www-data
      export KONG_PROXY_LISTEN=0.0.0.0:8000 KONG_ADMIN_LISTEN=off KONG_ADMIN_GUI_LISTEN=off
      export KONG_STATUS_LISTEN=off KONG_PREFIX="$T/prefix" ENTRYPOINT_LOG_LEVEL=warn
      strace -f -qq -o /dev/null -P "$T/prefix/nginx.conf" -e trace=read -e inject=read:\(injection) \\
        "$ENTRYPOINT" kong docker-start
      """)
  }

  @Test("that, if it is killed, costs the listeners and not the start")
  func killed() throws {
    let outcome = try start("signal=KILL", prefix: "33:0")
    #expect(outcome.status == 0 && outcome.output.hasSuffix("nginx\n"), "\(outcome.errors)")
    #expect(
      outcome.errors.contains("signal 9 ended the process that reads it without privileges"),
      "\(outcome.errors)")
    #expect(outcome.errors.contains("/prefix/nginx.conf are not known"))
  }
}
