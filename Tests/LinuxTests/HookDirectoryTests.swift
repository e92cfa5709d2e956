@testable import Linux
@testable import Plan
@testable import Text
import Foundation
import Glibc
import Testing

@Suite("The hook directory")
struct HookDirectoryTests {
  private static let kong = TargetUser(name: "kong", uid: 1337, gid: 0, groups: [0], home: "/")

  /// Lists $T/d, which a script makes.
  private func read(
    _ script: String, _ check: (HookDirectory?, ByteString) throws -> Void
  ) throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; umask 022; " + script)
    try #require(made.status == 0, "\(made.errors)")
    let place = ByteString(shell.directory.path)
    try check(HookDirectory.read(place + "/d"), place)
  }

  /// The names found in $T/d.
  private func names(_ script: String) throws -> Set<ByteString> {
    var names: Set<ByteString> = []
    try read(script) { directory, _ in
      let directory = try #require(directory)
      #expect(directory.unreadable == nil)
      names = Set(directory.files.map(\.name))
    }
    return names
  }

  @Test("may be missing, or be a link that leads nowhere")
  func absent() throws {
    for script in ["true", "ln -s nowhere d"] {
      try read(script) { directory, _ in #expect(directory == nil) }
    }
  }

  @Test(
    "that is not a directory stops the start, and a fifo in its place does not block it",
    arguments: ["touch d", "mkfifo d", "ln -s /dev/zero d", "ln -s d d", "ln -s /proc/1/mem d"])
  func noDirectory(script: String) throws {
    try read(script) { directory, _ in
      let directory = try #require(directory)
      #expect(directory.unreadable != nil && directory.files.isEmpty)
      let failure = try #require(throws: StartFailure.self) {
        try directory.selection(for: HookDirectoryTests.kong)
      }
      #expect(failure.status == 78)
    }
  }

  @Test(
    "stops the start if the user cannot list it, or cannot examine a name in it",
    arguments: ["chmod 0700 d", "chmod 0744 d", "mkdir -m 0700 x; mv d/a x; ln -s ../x/a d/a"])
  func unreadable(script: String) async throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; mkdir d; touch d/a; chmod 755 d/a; " + script)
    try #require(made.status == 0, "\(made.errors)")
    let path = shell.directory.path + "/d"
    await #expect(processExitsWith: .success) { [path = path as String] in
      try #require(seteuid(1337) == 0)
      let directory = try #require(try HookDirectory.read(ByteString(path)))
      #expect(directory.unreadable?.contains("Permission denied") == true)
    }
  }

  @Test("contributes regular files and the targets of links; no directories, fifos and dead links")
  func files() throws {
    let names = try names(
      """
      mkdir d d/sub other; touch d/file d/.hidden d/sub/deep other/target d/'a b'
      ln -s ../other/target d/link; ln -s link d/again; ln -s nowhere d/dead; ln -s loop d/loop
      ln -s file/x d/through; ln -s ../other d/directory; mkfifo d/fifo; mknod d/null c 1 3
      """)
    #expect(names == ["file", ".hidden", "a b", "link", "again"])
  }

  @Test("may have names of any bytes: newlines, invalid UTF-8, and the longest possible")
  func bytes() throws {
    let names = try names(
      #"mkdir d; touch d/$'new\nline' d/$'\xff\xfe' d/-n d/'*' d/$(printf 'x%.0s' {1..255})"#)
    let long = ByteString([UInt8](repeating: UInt8(ascii: "x"), count: 255))
    #expect(names == ["new\nline", ByteString([0xff, 0xfe]), "-n", "*", long])
  }

  @Test("of a ConfigMap is judged by the final targets of its links")
  func configMap() throws {
    let script = """
      mkdir -p d/..2026_01_01; echo '#!/bin/true' > d/..2026_01_01/10-a; chmod 755 d/..2026_01_01/10-a
      ln -s ..2026_01_01 d/..data; ln -s ..data/10-a d/10-a
      """
    try read(script) { directory, place in
      let file = try #require(directory?.files.first)
      #expect(directory?.files.count == 1 && file.name == "10-a")
      #expect(file.resolvedEntries.last?.path == place + "/d/..2026_01_01/10-a")
      #expect(file.resolvedEntries.first?.path == "/")
      #expect(
        file.resolvedEntries.filter { $0.kind == .link }.map(\.path) == [
          place + "/d/10-a", place + "/d/..data",
        ])
      let selection = try directory?.selection(for: HookDirectoryTests.kong)
      #expect(selection?.programs == [file])
    }
    for change in [
      "chmod 777 d/..2026_01_01", "chown 1337 d/..2026_01_01/10-a", "chgrp 0 d; chmod 775 d",
    ] {
      try read(script + "; " + change) { directory, _ in
        #expect(throws: StartFailure.self) {
          try directory?.selection(for: HookDirectoryTests.kong)
        }
      }
    }
  }

  @Test("that is a link is judged by its target and each directory above that")
  func linkedDirectory() throws {
    let script = "mkdir -p up/real; touch up/real/a; chmod 755 up/real/a; ln -s up/real d; "
    try read(script) { directory, place in
      let way = ["", "/d", "", "/up", "/up/real"].map { place + ByteString($0) }
      #expect(directory?.resolvedEntries.suffix(5).map(\.path) == way)
      let selection = try directory?.selection(for: HookDirectoryTests.kong)
      #expect(selection?.programs.count == 1)
    }
    try read(script + "chown 1337 up") { directory, _ in
      #expect(throws: StartFailure.self) { try directory?.selection(for: HookDirectoryTests.kong) }
    }
  }

  @Test("that everybody could write is accepted on a read-only mount, and only there")
  func readOnlyMount() async throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(
      "cd $T; mkdir d s; printf x > s/a; chown -R 1337 s; chmod 777 s s/a; cp -a s/. d; chmod 777 d"
    )
    try #require(made.status == 0, "\(made.errors)")
    let place = shell.directory.path
    await #expect(processExitsWith: .success) { [place = place as String] in
      try HookDirectoryTests.readOnReadOnlyMount(place)
    }
  }

  private static func readOnReadOnlyMount(_ place: String) throws {
    let path = place + "/d"
    try PrivateMounts.begin()
    let before = try #require(try HookDirectory.read(ByteString(path)))
    #expect(before.resolvedEntries.last?.isReadOnly == false)
    #expect(throws: StartFailure.self) { try before.selection(for: kong) }
    try PrivateMounts.bind(place + "/s", on: path)
    let bound = try #require(try HookDirectory.read(ByteString(path)))
    #expect(throws: StartFailure.self) { try bound.selection(for: kong) }
    try PrivateMounts.makeReadOnly(path)
    let after = try #require(try HookDirectory.read(ByteString(path)))
    #expect(
      after.resolvedEntries.last?.isReadOnly == true
        && after.resolvedEntries.first?.isReadOnly == false)
    let selection = try after.selection(for: kong)
    #expect(selection.programs.map(\.name) == ["a"])
  }
}
