import EntrypointPlan
import Foundation
import Testing

@testable import EntrypointSystem

/// These change the credentials of the test's own process, so one runs at a time.
@Suite("A secret's file, read by root for a user", .serialized)
struct SecretFileReadingTests {
  private let target = TargetUser(name: "kong", uid: 1337, gid: 1337, groups: [1337], home: "/")

  /// Reads the file that a script makes at $T/pw.
  private func read(
    _ script: String, at name: String = "pw", for target: TargetUser? = nil
  ) throws -> Result<String, StartFailure> {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(script)
    try #require(made.status == 0, "\(made.errors)")
    let file = SecretFile(
      variable: "KONG_PG_PASSWORD", path: ByteString(shell.directory.path + "/" + name))
    let before = try ProcessStatus.read()
    defer { #expect((try? ProcessStatus.read()) == before, "the credentials are root's again") }
    return Result { () throws(StartFailure) in
      let settings = try SecretFile.read(
        [file], for: target ?? self.target, own: before)
      return String(decoding: settings[0].secret.revealedBytes, as: UTF8.self)
    }
  }

  private func expectFailure(
    _ script: String, at name: String = "pw", _ why: String
  ) throws {
    switch try read(script, at: name) {
    case .success(let text): Issue.record("read \(text.utf8.count) bytes")
    case .failure(let failure):
      #expect(failure.status == 78, "\(failure)")
      #expect(failure.explanation?.why.contains(why) == true, "\(failure)")
      #expect(failure.explanation?.what.contains("KONG_PG_PASSWORD_FILE") == true)
      #expect(!"\(failure)".contains("s3cret"))
    }
  }

  @Test(
    "is read where the user may read it, and where only root may",
    arguments: [
      "chmod 0444 $T/pw", "chmod 0400 $T/pw", "chmod 0; chown 1337 $T/pw; chmod 0400 $T/pw",
      "mkdir -m 0700 $T/d; mv $T/pw $T/d; ln -s d/pw $T/pw",
      "ln -s /$T/./../${T##*/}//pw $T/l; chmod 0400 $T/pw; mv $T/pw $T/p2; ln -s p2 $T/pw",
    ])
  func readable(change: String) throws {
    let script = "echo s3cret > $T/pw; \(change.replacing("chmod 0; ", with: ""))"
    #expect(try read(script).get() == "s3cret")
  }

  @Test("is read through the links of a Kubernetes volume, as root and as the user")
  func kubernetes() throws {
    for mode in ["0400", "0444"] {
      let volume = """
        mkdir -m 1777 $T/v; mkdir $T/v/..2026_01_01; echo s3cret > $T/v/..2026_01_01/pw
        chmod \(mode) $T/v/..2026_01_01/pw
        ln -s ..2026_01_01 $T/v/..data; ln -s ..data/pw $T/v/pw
        """
      #expect(try read(volume, at: "v/pw").get() == "s3cret")
    }
  }

  @Test(
    "is not read through a link, a directory or a name that the user may have put there",
    arguments: [
      // A link, a directory and a hard link of the user's own, in the directory it owns or can write.
      "mkdir $T/u; ln -s $T/root/pw $T/u/pw; chown -hR 1337 $T/u",
      "mkdir -m 0775 $T/u; chgrp 0 $T/u; ln -s $T/root/pw $T/u/pw",
      "mkdir -m 1777 $T/u; ln -s $T/root/pw $T/u/pw; chown -h 1337 $T/u/pw",
      "mkdir -m 1777 $T/u; ln $T/root/pw $T/u/pw",
      "mkdir -m 0777 $T/u; ln $T/root/pw $T/u/pw",
      "mkdir $T/x; chown 1337 $T/x; ln -s $T/root $T/x/d; ln -s x/d $T/u",
    ])
  func planted(user: String) throws {
    let root = "mkdir -m 0755 $T/root; echo s3cret > $T/root/pw; chmod 0400 $T/root/pw; \(user)"
    try expectFailure(root, at: "u/pw", "somebody else may have put")
    // The same layout is no obstacle where the user can read the file anyway.
    #expect(try read(root + "; chmod 0444 $T/root/pw", at: "u/pw").get() == "s3cret")
  }

  @Test("is refused when it is no regular file, and a pipe without a writer is not waited for")
  func types() throws {
    try expectFailure("mkdir $T/pw", "it is a directory")
    try expectFailure("mkfifo $T/pw; chmod 0444 $T/pw", "not a regular file")
    try expectFailure("mkfifo -m 0400 $T/pw", "not a regular file")
    try expectFailure("ln -s /dev/zero $T/pw", "not a regular file")
    try expectFailure("ln -s pw $T/pw", "links lead in a circle")
    try expectFailure("true", "there is no such file")
    try expectFailure("touch $T/pw", at: "pw/x", "there is no such file")
  }

  @Test("is refused when no variable can hold it: with a NUL, or more than 128 KiB")
  func contents() throws {
    try expectFailure(#"printf 's3cret\0' > $T/pw"#, "NUL")
    try expectFailure("yes s3cret | head -c 131072 > $T/pw", "too long")
    try expectFailure("truncate -s 1T $T/pw", "too long")
    #expect(try read("printf '\\n\\n' > $T/pw").get() == "")
  }

  @Test("with the longest value there can be still reaches a program, and one byte more does not")
  func longest() throws {
    let outcome = try shell(
      """
      name=KONG_PG_PASSWORD room=$((131072 - 18))
      env "$name=$(head -c $room /dev/zero | tr '\\0' x)" true && echo started
      env "$name=$(head -c $((room + 1)) /dev/zero | tr '\\0' x)" true 2>/dev/null || echo refused
      """)
    #expect(outcome.output == "started\nrefused\n", "\(outcome.errors)")
    let room = SecretFile.longestVariable - "KONG_PG_PASSWORD=".utf8.count - 1
    #expect(room == 131072 - 18)
  }

  @Test("is what the user that we are may read, where nobody is dropped to")
  func notRoot() throws {
    let shell = try Shell()
    defer { shell.remove() }
    _ = try shell.run("echo s3cret > $T/pw; chmod 0400 $T/pw")
    let path = ByteString(shell.directory.path + "/pw")
    let file = SecretFile(variable: "KONG_PG_PASSWORD", path: path)
    let own = try ProcessStatus.read()
    let outcome = try FileSystemUser.acting(as: target, own: own) {
      Result { () throws(StartFailure) in try SecretFile.read([file], for: nil, own: own) }
    }
    let failure = try #require(throws: StartFailure.self) { _ = try outcome.get() }
    #expect(failure.status == 78)
    #expect(failure.explanation?.why.contains("may not read it") == true)
  }

  @Test("reaches the program as its variable, and the variable that named the file does not")
  func environment() throws {
    let texts = ["A=1", "KONG_X_FILE=/f", "KONG_X=", "KONG_XY=2", "KONG_X_FILE=/g", "B="]
    var strings = texts.map { text in text.withCString { strdup($0) } } + [nil]
    defer { strings.forEach { free($0) } }
    let result = try strings.withUnsafeMutableBufferPointer { buffer in
      let block = EnvironmentBlock(CStrings(buffer.baseAddress))
      let interpreted = block.interpreted()
      #expect(interpreted.nonEmptySecrets.isEmpty)
      let files = try interpreted.secretFiles(defaults: nil)
      #expect(files == [SecretFile(variable: "KONG_X", path: "/f")])
      let setting = SecretSetting(file: files[0], secret: Secret(Array("v=\nw".utf8)))
      return block.applying(setting.changes).compactMap { $0.map { String(cString: $0) } }
    }
    #expect(result == ["A=1", "KONG_XY=2", "B=", "KONG_X=v=\nw"])
  }
}
