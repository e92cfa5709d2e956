@testable import Linux
@testable import Nginx
@testable import Text
import Foundation
import Testing

@Suite("A file of limited size")
struct BoundedFileTests {
  /// Reads at most 10 bytes of $T/f, which a script makes.
  private func read(_ script: String) throws -> String {
    let shell = try Shell()
    defer { shell.remove() }
    let made = try shell.run("cd $T; " + script)
    try #require(made.status == 0, "\(made.errors)")
    return text(BoundedFile.read(ByteString(shell.directory.path + "/f"), limit: 10))
  }

  private func text(_ content: FileContent) -> String {
    switch content {
    case .bytes(let bytes): "bytes: " + String(decoding: bytes, as: UTF8.self)
    case .absent: "absent"
    case .tooLarge: "too large"
    case .unreadable(let reason): reason
    }
  }

  @Test("is read up to the limit, through links, and may be empty")
  func bytes() throws {
    #expect(try read("printf 0123456789 > f") == "bytes: 0123456789")
    #expect(try read("printf a > x; ln -s x y; ln -s y f") == "bytes: a")
    #expect(try read(": > f") == "bytes: ")
  }

  @Test("is too large with one more byte, or with a terabyte of holes")
  func tooLarge() throws {
    #expect(try read("printf 0123456789x > f") == "too large")
    #expect(try read("truncate -s 1T f") == "too large")
  }

  @Test("is absent if nothing is there, or a link leads nowhere")
  func absent() throws {
    #expect(try read("true") == "absent")
    #expect(try read("ln -s nowhere f") == "absent")
  }

  @Test(
    "must be a regular file; an endless file or a pipe without a writer does not block",
    .timeLimit(.minutes(1)),
    arguments: [
      "mkdir f", "mkfifo f", "ln -s /dev/zero f", "ln -s /dev/tty f", "ln -s /proc/self/fd/0 f",
      "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"f\")'", "ln -s f f",
      "touch x; ln -s x/y f", "ln -s /dev/random f",
    ])
  func others(script: String) throws {
    let found = try read(script)
    #expect(!found.hasPrefix("bytes") && found != "absent" && found != "too large", "\(found)")
  }

  @Test("in /proc is empty, as for nginx: such a file reports a size of 0")
  func kernelFile() {
    #expect(text(BoundedFile.read("/proc/self/environ", limit: 1 << 20)) == "bytes: ")
    #expect(text(BoundedFile.read("/proc/kmsg", limit: 1 << 20)) == "bytes: ")
  }

  @Test("that grows, shrinks or is replaced meanwhile is read to its end or to its first length")
  func changing() throws {
    let shell = try Shell()
    defer { shell.remove() }
    let writer = try Companion(
      in: shell.directory,
      """
      f = open("f", "wb", buffering=0); f.write(b"x" * 1000); ready()
      while running():
        for n in range(100): f.write(b"x" * 5000)
        f.truncate(1000); f.seek(1000)
      """)
    let path = ByteString(shell.directory.path + "/f")
    for _ in 0..<2000 {
      let content = BoundedFile.read(path, limit: 300_000)
      if case .tooLarge = content { continue }
      guard case .bytes(let bytes) = content else {
        Issue.record("\(text(content))")
        break
      }
      try #require(bytes.count >= 1000 && bytes.count <= 300_000)
      // No byte that was not read, such as earlier contents of the memory.
      try #require(bytes.allSatisfy { $0 == UInt8(ascii: "x") })
    }
    try writer.finish()
  }
}
