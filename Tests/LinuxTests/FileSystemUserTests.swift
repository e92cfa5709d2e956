@testable import Capabilities
@testable import Linux
@testable import Plan
import CLinux
import Foundation
import Glibc
import Testing

/// Each test runs in a separate process, for its credentials, and in a child of that.
///
/// glibc changes the ids of all threads of a process and aborts if they differ in what they may do;
/// a child has one thread.
@Suite("A look at files with a user's rights")
struct FileSystemUserTests {
  private static let kong = TargetUser(
    name: "kong", uid: 1337, gid: 1337, groups: [1337, 4242], home: "/")

  /// cap_chown, cap_dac_override, cap_dac_read_search and cap_fowner.
  private static let concerningFiles = CapabilitySet(rawValue: 0b1111)

  /// What the kernel reports about the thread.
  ///
  /// `ProcessStatus` refuses to read it while the file system ids differ.
  private struct Status: Equatable {
    private var fields: [Substring: Substring] = [:]

    init() throws {
      let text = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
      let names = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        if let name = parts.first, names.contains(String(name)) { fields[name] = parts.last }
      }
      try FileSystemUserTests.check(fields.count == names.count, "all fields")
    }

    /// The numbers of a field.
    ///
    /// Uid has the real, effective, saved, and file system id.
    func numbers(_ name: Substring, radix: Int = 10) -> [UInt64] {
      (fields[name] ?? "").split { $0 == "\t" || $0 == " " }.compactMap {
        UInt64($0, radix: radix)
      }
    }

    var effective: CapabilitySet {
      CapabilitySet(rawValue: numbers("CapEff", radix: 16).first ?? .max)
    }
  }

  /// Which of the files can be read.
  private static func readable(in directory: String) -> [String] {
    ["root", "group", "theirs", "link", "all"].filter { name in
      let descriptor = open(directory + "/" + name, O_RDONLY | O_CLOEXEC)
      if descriptor >= 0 { close(descriptor) }
      return descriptor >= 0
    }
  }

  /// With cap_sys_ptrace, which does not concern files.
  private static func canLookIntoAnotherProcess() -> Bool {
    let descriptor = open("/proc/\(getppid())/maps", O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  /// A directory with files of root's, one of group 4242, one of group 5, and a planted link.
  private func withFiles(_ body: (String) async throws -> Void) async throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(
      """
      cd $T; for name in root group theirs all; do echo text > $name; chmod 0400 $name; done
      chgrp 4242 group; chgrp 5 theirs; chmod 0440 group theirs; chmod 0444 all
      mkdir planted; ln -s "$T/root" planted/link; chown -hR 1337 planted; mv planted/link link
      """)
    try #require(made.status == 0, "\(made.errors)")
    try await body(shell.directory.path)
  }

  /// Looks as kong, and expects exactly the state before.
  private static func look(in directory: String) throws {
    let own = try ProcessStatus.read()
    let before = try Status()
    var during: Status?
    var found: [String] = []
    try FileSystemUser.acting(as: kong, own: own) {
      found = readable(in: directory)
      if canLookIntoAnotherProcess() { found.append("another process") }
      during = try? Status()
    }
    try check(found == ["group", "all"], "kong can read \(found)")
    try check(try Status() == before, "all is as before")
    try check(try ProcessStatus.read() == own, "all that ProcessStatus knows is as before")
    guard let inside = during else { throw Difference(text: "no status") }
    try check(inside.effective.isEmpty, "\(inside.effective)")
    try check(inside.numbers("Groups") == [1337, 4242], "the groups are kong's")
    for name in ["Uid", "Gid"] as [Substring] {
      let ids = inside.numbers(name)
      try check(ids.dropLast() == before.numbers(name).dropLast(), "kong cannot trace us")
      try check(ids.last == 1337, "the ids for files are kong's")
    }
  }

  private struct Difference: Error {
    var text: String
  }

  private static func check(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Difference(text: text()) }
  }

  private static func require(_ condition: Bool, line: Int = #line) throws {
    try check(condition, "line \(line)")
  }

  private static func requireFailure(line: Int = #line, _ body: () throws -> Void) throws {
    do { try body() } catch is SystemCallFailure { return }
    throw Difference(text: "line \(line): no failure")
  }

  private static func inOneThread(_ body: () throws -> Void) throws {
    try ChildProcess.run(name: "the child", uid: nil) { _, _ in
      do {
        try body()
        _exit(0)
      } catch {
        let text = Array("\(error)\n".utf8)
        write(2, text, text.count)
        _exit(1)
      }
    }
  }

  @Test("shows no file of root's, not even through a planted link, and restores everything")
  func root() async throws {
    try await withFiles { directory in
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        try FileSystemUserTests.inOneThread {
          try FileSystemUserTests.require(FileSystemUserTests.readable(in: directory).count == 5)
          try FileSystemUserTests.require(FileSystemUserTests.canLookIntoAnotherProcess())
          try FileSystemUserTests.look(in: directory)
        }
      }
    }
  }

  @Test("restores the groups")
  func groups() async throws {
    try await withFiles { directory in
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        try FileSystemUserTests.inOneThread {
          let groups: [gid_t] = [5, 6, 7]
          try FileSystemUserTests.require(setgroups(groups.count, groups) == 0)
          try FileSystemUserTests.require(setregid(8, 9) == 0)
          try FileSystemUserTests.look(in: directory)
        }
      }
    }
  }

  @Test("removes the capabilities if the kernel does not: with SECBIT_NO_SETUID_FIXUP")
  func securebits() async throws {
    try await withFiles { directory in
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        try FileSystemUserTests.inOneThread {
          try FileSystemUserTests.require(
            cap_prctlw(Int(PR_SET_SECUREBITS), 1 << 2, 0, 0, 0, 0) == 0)
          try FileSystemUserTests.look(in: directory)
        }
      }
    }
  }

  @Test("removes the capabilities of a user other than root")
  func capableUser() async throws {
    try await withFiles { directory in
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        try FileSystemUserTests.inOneThread {
          let own = try ProcessStatus.read()
          try FileSystemUserTests.require(cap_prctlw(Int(PR_SET_KEEPCAPS), 1, 0, 0, 0, 0) == 0)
          try FileSystemUserTests.require(setuid(1000) == 0)
          let ids = CapabilitySet([Capability.setuid, .setgid])
          try ProcessCapabilities.set(
            permitted: own.permitted, inheritable: [],
            effective: ids.union(FileSystemUserTests.concerningFiles))
          try FileSystemUserTests.require(FileSystemUserTests.readable(in: directory).count == 5)
          try FileSystemUserTests.look(in: directory)
        }
      }
    }
  }

  @Test("makes no capability effective that was only permitted")
  func effective() async throws {
    try await withFiles { directory in
      await #expect(processExitsWith: .success) { [directory = directory as String] in
        try FileSystemUserTests.inOneThread {
          let own = try ProcessStatus.read()
          try ProcessCapabilities.set(
            permitted: own.permitted, inheritable: own.inheritable,
            effective: CapabilitySet([Capability.setuid, .setgid]))
          try FileSystemUserTests.look(in: directory)
        }
      }
    }
  }

  @Test("changes nothing for the current user, or for nobody")
  func same() async {
    await #expect(processExitsWith: .success) {
      try FileSystemUserTests.inOneThread {
        try FileSystemUserTests.require(setgroups(0, nil) == 0 && setgid(5) == 0)
        try FileSystemUserTests.require(setuid(1337) == 0)
        let own = try ProcessStatus.read()
        for user in [FileSystemUserTests.kong, nil] {
          let during = try FileSystemUser.acting(as: user, own: own) { try? ProcessStatus.read() }
          try FileSystemUserTests.require(during == own)
        }
      }
    }
  }

  @Test("fails with an error, and reads nothing, if setuid or setgid is missing")
  func refused() async {
    await #expect(processExitsWith: .success) {
      try FileSystemUserTests.inOneThread {
        for missing in [Capability.setuid, .setgid] {
          let own = try ProcessStatus.read()
          try ProcessCapabilities.set(
            permitted: own.permitted, inheritable: own.inheritable,
            effective: own.permitted.subtracting(CapabilitySet(missing)))
          let lacking = try ProcessStatus.read()
          try FileSystemUserTests.require(
            !FileSystemUser.canAct(as: FileSystemUserTests.kong, own: lacking))
          var isRead = false
          try FileSystemUserTests.requireFailure {
            try FileSystemUser.acting(as: FileSystemUserTests.kong, own: own) { isRead = true }
          }
          try FileSystemUserTests.require(!isRead)
          if missing == .setuid {
            // The group has changed; a start notices it before it continues.
            try FileSystemUserTests.requireFailure { _ = try ProcessStatus.read() }
            setfsgid(0)
            try FileSystemUserTests.require(setgroups(own.groups.count, own.groups) == 0)
          }
          try ProcessCapabilities.set(
            permitted: own.permitted, inheritable: own.inheritable, effective: own.permitted)
        }
      }
    }
  }

  @Test(
    "is not taken for root's where the kernel answers for the real user only, as before Linux 5.8")
  func oldKernel() throws {
    let outcome = try shell(
      """
      # What only www-data can use, and root not without cap_dac_override.
      mkdir "$T/bin"; printf '#!/bin/sh\\n' > "$T/bin/kong"; printf '#!/bin/sh\\necho nginx\\n' > "$T/bin/nginx"
      chmod 755 "$T/bin/nginx"; chmod 700 "$T/bin/kong"; chown www-data "$T/bin/kong"
      export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" KONG_PROXY_LISTEN=off ENTRYPOINT_LOG_LEVEL=warn
      strace -f -o /dev/null -e trace=faccessat2 -e inject=faccessat2:error=ENOSYS \\
        capsh --drop=cap_dac_override,cap_dac_read_search -- -c \\
        '"$ENTRYPOINT" --user www-data --proxy "$T/bin/nginx" kong docker-start'
      """)
    #expect(outcome.output == "nginx\n", "\(outcome.errors)")
  }

  @Test("fails with an error if the way back is closed")
  func noWayBack() async {
    await #expect(processExitsWith: .success) {
      try FileSystemUserTests.inOneThread {
        let own = try ProcessStatus.read()
        try FileSystemUserTests.requireFailure {
          try FileSystemUser.acting(as: FileSystemUserTests.kong, own: own) {
            let rest = own.permitted.subtracting(CapabilitySet(.setgid))
            try? ProcessCapabilities.set(permitted: rest, inheritable: [], effective: rest)
          }
        }
        try FileSystemUserTests.requireFailure { _ = try ProcessStatus.read() }
      }
    }
  }
}
