@testable import Kong
@testable import Linux
@testable import Plan
@testable import Text
import Foundation
import Glibc
import Testing

@Suite("The nginx configuration in a prefix that the user controls")
struct GeneratedListenersTests {
  private struct Outcome: Codable {
    var listeners: [String]
    var warnings: [String]
    var seconds: Double
  }

  /// Reads the configuration in $T/p, which a script makes, as root with the rights of the user
  /// 1337.
  private func read(_ script: String) async throws -> Outcome {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; mkdir p; cd p; \(script); chown -hR 1337 $T/p")
    try #require(made.status == 0, "\(made.errors)")
    let directory = shell.directory.path
    await #expect(processExitsWith: .success) { [directory = directory as String] in
      try await MainActor.run { try GeneratedListenersTests.readHere(directory) }
    }
    let outcome = try Data(contentsOf: shell.directory.appending(path: "outcome"))
    return try JSONDecoder().decode(Outcome.self, from: outcome)
  }

  private static let kong = TargetUser(
    name: "kong", uid: 1337, gid: 0, groups: [0], home: "/")

  @MainActor private static func readHere(_ directory: String) throws {
    // A hang ends in SIGALRM.
    alarm(30)
    let start = ContinuousClock.now
    let own = try ProcessStatus.read()
    let reading: KongReading<GeneratedListeners>? =
      try FileSystemUser.acting(as: kong, own: own) {
        .generated(in: ByteString(directory + "/p"), isCurrent: true, as: kong, own: own)
      }
    let generated = try #require(reading).value()
    let outcome = Outcome(
      listeners: generated.listeners.map { "\($0.address)" },
      warnings: generated.warnings.map { "\($0.what): \($0.why)" },
      seconds: (ContinuousClock.now - start) / .seconds(1))
    try JSONEncoder().encode(outcome).write(
      to: URL(filePath: directory).appending(path: "outcome"))
  }

  private static let server = "http { server { listen 81; } }"

  /// Expects the listener on port 81, and a warning with each of the words.
  private func expect81(_ script: String, _ words: String...) async throws {
    let outcome = try await read(script)
    #expect(outcome.listeners.count == 1 && outcome.listeners[0].contains("81"), "\(outcome)")
    let warnings = outcome.warnings.joined(separator: "\n")
    for word in words { #expect(warnings.contains(word), "\(warnings)") }
    #expect(outcome.warnings.isEmpty == words.isEmpty, "\(warnings)")
    #expect(!warnings.contains("root:"))
  }

  @Test("shows nothing of a file of root's, neither as the main file nor as an include")
  func rootsFile() async throws {
    let outcome = try await read("ln -s /etc/shadow nginx.conf")
    #expect(outcome.listeners.isEmpty && outcome.warnings.count == 1)
    #expect(outcome.warnings[0].contains("Permission denied"), "\(outcome.warnings)")
    try await expect81(
      """
      (umask 077; echo 'http { server { listen 82; } }' > ../secret; chown 0 ../secret)
      ln -s ../secret link
      echo 'include link; include /etc/shadow; \(GeneratedListenersTests.server)' > nginx.conf
      """, "Permission denied", "shadow")
  }

  @Test("has no listener if only root can enter the directory of an include")
  func rootsDirectory() async throws {
    try await expect81(
      """
      mkdir -m 0700 ../d; echo 'http { server { listen 82; } }' > ../d/a.conf
      echo 'include ../d/*.conf; \(GeneratedListenersTests.server)' > nginx.conf
      """)
  }

  @Test(
    "does not block if it, or an include, is a fifo or a device",
    arguments: ["mkfifo x", "ln -s /dev/zero x", "mkdir x", "ln -s x x", "ln -s /dev/tty x"])
  func noFile(script: String) async throws {
    let main = try await read(script + "; mv x nginx.conf")
    #expect(main.listeners.isEmpty && main.warnings.count == 1 && main.seconds < 5)
    try await expect81(
      script + "; echo 'include x; \(GeneratedListenersTests.server)' > nginx.conf", "/p/x")
  }

  @Test("includes neither root's environment nor its memory")
  func environment() async throws {
    for file in ["environ", "mem"] {
      try await expect81(
        "echo 'include /proc/self/\(file); \(GeneratedListenersTests.server)' > nginx.conf", file,
        "Permission denied")
    }
  }

  @Test("that includes itself, directly or through others, comes to an end")
  func loops() async throws {
    let server = GeneratedListenersTests.server
    try await expect81("echo '\(server) include nginx.conf;' > nginx.conf", "nginx.conf")
    try await expect81("echo '\(server) include *.conf;' > nginx.conf", "nginx.conf")
    try await expect81(
      "echo '\(server) include a;' > nginx.conf; echo 'include b;' > a; echo 'include a;' > b",
      "/p/")
    // Each file includes all: without a common limit that would be 2 to the power of 32 files.
    try await expect81(
      "echo '\(server) include x*;' > nginx.conf; for i in 1 2; do echo 'include x*;' > x$i; done",
      "/p/x")
  }

  @Test("is read with 10 MB, and is too large with 20")
  func large() async throws {
    let server = GeneratedListenersTests.server
    let fill = "yes '# a comment that says nothing' | head -c"
    let large = try await read("(\(fill) 10000000; echo; echo '\(server)') > nginx.conf")
    #expect(large.listeners.count == 1 && large.warnings.isEmpty, "\(large)")
    let tooLarge = try await read("(echo '\(server)'; \(fill) 20000000) > nginx.conf")
    #expect(tooLarge.listeners.isEmpty && tooLarge.warnings.count == 1, "\(tooLarge)")
  }

  @Test("may be endless garbage")
  func garbage() async throws {
    let outcome = try await read("head -c 1000000 /dev/urandom > nginx.conf")
    #expect(outcome.seconds < 20)
  }

  @Test("that is missing after kong prepare causes a warning")
  func missing() async throws {
    let outcome = try await read("true")
    #expect(outcome.listeners.isEmpty && outcome.warnings.count == 1)
    let reading: KongReading<GeneratedListeners>? = .generated(
      in: "/no/such", isCurrent: false, as: Self.kong, own: try ProcessStatus.read())
    #expect(reading == nil)
  }
}
