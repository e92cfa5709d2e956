@testable import Linux
@testable import Plan
@testable import Text
import CLinux
import Foundation
import Glibc
import Testing

@Suite("A file that somebody else can have placed")
struct OpenFileTests {
  /// A Python program that counts how often a file was opened while it watched (inotify(7)).
  ///
  /// A reference does not count, because it opens nothing.
  private static let watch = """
    watch = libc.inotify_init1(os.O_NONBLOCK)
    def opens():
      try: return len(os.read(watch, 1 << 16))
      except BlockingIOError: return 0
    """

  @Test("is the examined one, whatever has replaced it since")
  func exchanged() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; echo judged > f; mkfifo fifo; echo other > g; ln -s g link")
    try #require(made.status == 0, "\(made.errors)")
    for other in ["fifo", "link", "g"] {
      let directory = shell.directory.path
      let path = ByteString(directory + "/f")
      let pinned = try PinnedFile(path)
      try #require(rename(directory + "/" + other, directory + "/f") == 0)
      #expect(try pinned.open().contents() == Array("judged\n".utf8))
      try "judged\n".write(toFile: directory + "/new", atomically: true, encoding: .utf8)
      try #require(rename(directory + "/new", directory + "/f") == 0)
    }
  }

  @Test(
    "is read to its end, or to the limit, however long the first piece is",
    arguments: [1, 64, 5000])
  func pieces(piece: Int) throws {
    let shell = try Shell()
    defer { shell.remove() }
    let bytes = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
    let path = shell.directory.path + "/f"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let pinned = try PinnedFile(ByteString(path))
    #expect(try pinned.open().contents(piece: piece) == bytes)
    #expect(try pinned.open().contents(limit: 2999, piece: piece) == Array(bytes.dropLast()))
  }

  @Test("is never opened unless it is a regular file, even if it is exchanged all the time")
  func raced() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let companion = try Companion(
      in: shell.directory,
      """
      \(OpenFileTests.watch)
      os.mkfifo("fifo"); os.symlink("/dev/null", "device"); open("file", "w").write("#!/bin/sh")
      os.chmod("file", 0o755); os.chmod("fifo", 0o600)
      os.symlink("file", "nginx"); os.symlink("fifo", "other")
      libc.inotify_add_watch(watch, b"fifo", 0x20)
      ready()
      while running():
        exchange("nginx", "other")
      print(opens())
      """)
    let path = ByteString(shell.directory.path + "/nginx")
    for _ in 0..<3000 {
      _ = try? ProgramSearch.find(path, path: nil)
      _ = BoundedFile.read(path, limit: 100)
      _ = ProgramObstacle.find(inFile: path, path: nil)
    }
    #expect(try companion.finish() == "0\n")
  }

  @Test(
    "neither becomes the controlling terminal nor blocks",
    .timeLimit(.minutes(1)))
  func terminal() throws {
    let outcome = try shell(
      """
      printf '#!/bin/sh\\ncut -d " " -f 7 /proc/self/stat\\n' > "$T/kong"; chmod +x "$T/kong"
      export PATH="$T:$PATH"
      python3 - "$ENTRYPOINT" <<'PYTHON'
      import os, pty, sys
      ours, its = pty.openpty()
      name = os.ttyname(its)
      os.chmod(name, 0o666)
      if os.fork() == 0:
        os.setsid()
        os.execv(sys.argv[1], ["entrypoint", "--user", "www-data", "kong", "reload", "-c", name])
      os.wait()
      PYTHON
      """)
    #expect(outcome.output == "0\n", "\(outcome.errors)")
  }

  /// Hides /proc from this process, as a container may.
  private static func hideProc() throws {
    try PrivateMounts.begin()
    try #require(mount("none", "/proc", "tmpfs", 0, nil) == 0)
  }

  @Test(
    "is read without /proc, too: by a user if the user may, by root if only root can have put it there"
  )
  func withoutProc() async throws {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run(
      """
      mkdir $T/root $T/kong; for d in root kong; do echo text > $T/$d/f; chmod 644 $T/$d/f; done
      chown 1337 $T/kong; mount -t tmpfs none /mnt
      """)
    try #require(made.status == 0, "\(made.errors)")
    await #expect(processExitsWith: .success) { [directory = shell.directory.path as String] in
      try OpenFileTests.hideProc()
      // /tmp has the sticky bit, with which others could have moved a directory there; a mount has
      // not.
      try #require(mount(directory, "/mnt", nil, UInt(MS_BIND), nil) == 0)
      func read(_ path: ByteString) -> String {
        switch BoundedFile.read(path, limit: 100) {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .unreadable(let reason): reason
        case .absent, .tooLarge: "none"
        }
      }
      #expect(read("/mnt/root/f") == "text\n")
      #expect(read("/mnt/kong/f") == "Permission denied")
      setfsuid(1337)
      #expect(read("/mnt/root/f") == "text\n")
      #expect(read("/mnt/kong/f") == "text\n")
    }
  }

  @Test("is read by a process that is not dumpable, with the file system ids of another user")
  func notDumpable() async throws {
    let shell = try Shell()
    defer { shell.remove() }
    try "text".write(
      to: shell.directory.appending(path: "f"), atomically: true, encoding: .utf8)
    await #expect(processExitsWith: .success) { [directory = shell.directory.path as String] in
      try #require(cap_prctlw(Int(PR_SET_DUMPABLE), 0, 0, 0, 0, 0) == 0)
      setfsuid(1337)
      guard case .bytes(let bytes) = BoundedFile.read(ByteString(directory + "/f"), limit: 10)
      else {
        Issue.record("not read")
        return
      }
      #expect(bytes == Array("text".utf8))
    }
  }
}
