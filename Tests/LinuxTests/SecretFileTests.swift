@testable import Kong
@testable import Linux
@testable import Plan
@testable import Text
import Foundation
import Testing

@Suite("A secret's file, read by root for a user")
struct SecretFileReadingTests {
  /// The result of reading, as a value that can be passed to another process.
  private struct Outcome: Codable {
    var text: String?
    var status: Int32?
    var what = ""
    var why = ""
    var everything = ""
  }

  /// Reads the file that a script makes, `name` in $T, for the user 1337, in a separate process:
  /// reading changes the credentials of all threads.
  ///
  /// - Parameter mount: a directory in $T that is on a read-only mount.
  private func read(
    _ script: String, at name: String = "pw", variable: String = "KONG_PG_PASSWORD",
    mount: String = ""
  ) async throws -> Outcome {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(script)
    try #require(made.status == 0, "\(made.errors)")
    let directory = shell.directory.path
    await #expect(processExitsWith: .success) {
      [
        directory = directory as String, name = name as String, variable = variable as String,
        mount = mount as String
      ] in
      try await SecretFileReadingTests.readHere(directory, name, variable, mount)
    }
    let outcome = try Data(contentsOf: shell.directory.appending(path: "outcome"))
    return try JSONDecoder().decode(Outcome.self, from: outcome)
  }

  /// On the main thread, which /proc/self/status describes.
  @MainActor private static func readHere(
    _ directory: String, _ name: String, _ variable: String, _ mount: String
  ) throws {
    if !mount.isEmpty {
      try PrivateMounts.begin()
      try PrivateMounts.bind(directory + "/" + mount, on: directory + "/" + mount)
      try PrivateMounts.makeReadOnly(directory + "/" + mount)
    }
    // A hang ends in SIGALRM.
    alarm(30)
    let target = TargetUser(name: "kong", uid: 1337, gid: 1337, groups: [1337], home: "/")
    let file = SecretReference(variable: variable, path: ByteString(directory + "/" + name))
    let before = try ProcessStatus.read()
    var outcome = Outcome()
    do {
      let settings = try SecretReference.read([file], for: target, own: before)
      outcome.text = String(decoding: settings[0].secret.revealedBytes, as: UTF8.self)
    } catch {
      outcome.status = error.status
      outcome.what = error.explanation?.what ?? ""
      outcome.why = error.explanation?.why ?? ""
      outcome.everything = String(reflecting: error)
    }
    #expect(try ProcessStatus.read() == before, "root is root again")
    try JSONEncoder().encode(outcome).write(
      to: URL(filePath: directory).appending(path: "outcome"))
  }

  private func expectFailure(
    _ script: String, at name: String = "pw", _ why: String
  ) async throws {
    let outcome = try await read(script, at: name)
    #expect(outcome.text == nil && outcome.status == 78, "\(outcome)")
    #expect(outcome.why.contains(why), "\(outcome)")
    #expect(outcome.what.contains("KONG_PG_PASSWORD_FILE"))
    #expect(outcome.what.contains("/\(name) cannot"))
    #expect(!outcome.everything.contains("s3cret"))
  }

  @Test(
    "is read if the user may read it, and if only root may",
    arguments: [
      "chmod 0444 $T/pw", "chmod 0400 $T/pw", "chmod 0; chown 1337 $T/pw; chmod 0400 $T/pw",
      "mkdir -m 0700 $T/d; mv $T/pw $T/d; ln -s d/pw $T/pw",
      "ln -s /$T/./../${T##*/}//pw $T/l; chmod 0400 $T/pw; mv $T/pw $T/p2; ln -s p2 $T/pw",
    ])
  func readable(change: String) async throws {
    let script = "echo s3cret > $T/pw; \(change.replacing("chmod 0; ", with: ""))"
    #expect(try await read(script).text == "s3cret")
  }

  @Test("is read through the links of a Kubernetes volume, as root and as the user")
  func kubernetes() async throws {
    for mode in ["0400", "0444"] {
      let volume = """
        mkdir -m 1777 $T/v; mkdir $T/v/..2026_01_01; echo s3cret > $T/v/..2026_01_01/pw
        chmod \(mode) $T/v/..2026_01_01/pw
        ln -s ..2026_01_01 $T/v/..data; ln -s ..data/pw $T/v/pw
        """
      #expect(try await read(volume, at: "v/pw", mount: "v").text == "s3cret")
      // If others can write the directory, they may have moved a link of root's into it
      // (rename(2)).
      let text = try await read(volume, at: "v/pw").text
      #expect((text == "s3cret") == (mode == "0444"))
    }
  }

  @Test(
    "is not read through a link, a directory or a name that the user may have put there",
    arguments: [
      // A link, a directory and a hard link of the user's own, in a directory that the user owns or
      // can write.
      "mkdir $T/u; ln -s $T/root/pw $T/u/pw; chown -hR 1337 $T/u",
      "mkdir -m 0775 $T/u; chgrp 0 $T/u; ln -s $T/root/pw $T/u/pw",
      "mkdir -m 1777 $T/u; ln -s $T/root/pw $T/u/pw; chown -h 1337 $T/u/pw",
      "mkdir -m 1777 $T/u; ln $T/root/pw $T/u/pw",
      "mkdir -m 0777 $T/u; ln $T/root/pw $T/u/pw",
      "mkdir $T/x; chown 1337 $T/x; ln -s $T/root $T/x/d; ln -s x/d $T/u",
    ])
  func planted(user: String) async throws {
    let root = "mkdir -m 0755 $T/root; echo s3cret > $T/root/pw; chmod 0400 $T/root/pw; \(user)"
    try await expectFailure(root, at: "u/pw", "users other than root can write")
    // The same layout is no obstacle if the user can read the file anyway.
    #expect(try await read(root + "; chmod 0444 $T/root/pw", at: "u/pw").text == "s3cret")
  }

  @Test(
    "that decides what root does, for the prefix or a listener, is not read if the user may have written it",
    arguments: ["KONG_PREFIX", "KONG_PROXY_LISTEN"])
  func steering(variable: String) async throws {
    for (change, isRefused) in [
      ("chmod 0444 $T/pw", false), ("chmod 0400 $T/pw", false), ("chown 1337 $T/pw", true),
      ("chgrp 0 $T/pw; chmod 0664 $T/pw", true), ("chown 1337 $T", true),
    ] {
      let outcome = try await read("echo s3cret > $T/pw; \(change)", variable: variable)
      #expect((outcome.status == 78) == isRefused, "\(change): \(outcome)")
      #expect((outcome.text == "s3cret") != isRefused)
      #expect(outcome.why.contains("a start as root obeys it") == isRefused)
    }
  }

  @Test("must be a regular file, and a pipe without a writer does not block")
  func types() async throws {
    try await expectFailure("mkdir $T/pw", "it is a directory")
    try await expectFailure("mkfifo $T/pw; chmod 0444 $T/pw", "not a regular file")
    try await expectFailure("mkfifo -m 0400 $T/pw", "not a regular file")
    try await expectFailure("ln -s /dev/zero $T/pw", "not a regular file")
    try await expectFailure("ln -s pw $T/pw", "links lead in a circle")
    try await expectFailure("true", "there is no such file")
    try await expectFailure("touch $T/pw", at: "pw/x", "there is no such file")
  }

  @Test("must fit in a variable: no NUL, at most 128 KiB")
  func contents() async throws {
    try await expectFailure(#"printf 's3cret\0' > $T/pw"#, "NUL")
    try await expectFailure("yes s3cret | head -c 131072 > $T/pw", "too long")
    try await expectFailure("truncate -s 1T $T/pw", "too long")
    #expect(try await read("printf '\\n\\n' > $T/pw").text == "")
  }

  @Test("with the longest possible value still reaches a program, and one more byte does not")
  func longest() throws {
    let outcome = try shell(
      """
      name=KONG_PG_PASSWORD room=$((131072 - 18))
      env "$name=$(head -c $room /dev/zero | tr '\\0' x)" true && echo started
      env "$name=$(head -c $((room + 1)) /dev/zero | tr '\\0' x)" true 2>/dev/null || echo refused
      """)
    #expect(outcome.output == "started\nrefused\n", "\(outcome.errors)")
    let room = SecretReference.longestVariable - "KONG_PG_PASSWORD=".utf8.count - 1
    #expect(room == 131072 - 18)
  }

  @Test("is read with the rights of the current user if there is no drop")
  func notRoot() async throws {
    let shell = try Shell()
    defer { shell.remove() }
    _ = try shell.run("echo s3cret > $T/pw; chmod 0400 $T/pw")
    let path = shell.directory.path + "/pw"
    await #expect(processExitsWith: .success) { [path = path as String] in
      try #require(seteuid(1337) == 0)
      let file = SecretReference(variable: "KONG_PG_PASSWORD", path: ByteString(path))
      let failure = try #require(throws: StartFailure.self) {
        _ = try SecretReference.read([file], for: nil, own: ProcessStatus.read())
      }
      #expect(failure.status == 78)
      #expect(failure.explanation?.why.contains("uid 1337 cannot read it") == true)
    }
  }

  @Test("reaches the program as its variable, and the variable that named the file does not")
  func environment() throws {
    let given = ["A=1", "KONG_X_FILE=/f", "KONG_X=", "KONG_XY=2", "KONG_X_FILE=/g", "B="]
    var strings = given.map { strdup($0) } + [nil]
    defer { strings.forEach { free($0) } }
    let result = try strings.withUnsafeMutableBufferPointer { buffer in
      let block = EnvironmentBlock(CStrings(buffer.baseAddress))
      let interpreted = block.interpreted()
      #expect(interpreted.nonEmptySecrets.isEmpty)
      let files = try interpreted.secretReferences(defaults: nil)
      #expect(files == [SecretReference(variable: "KONG_X", path: "/f")])
      let setting = ResolvedSecret(reference: files[0], secret: Secret(Array("v=\nw".utf8)))
      return block.applying(setting.changes).strings.map {
        String(decoding: $0.bytes.bytes, as: UTF8.self)
      }
    }
    #expect(result == ["A=1", "KONG_XY=2", "B=", "KONG_X=v=\nw"])
  }
}
