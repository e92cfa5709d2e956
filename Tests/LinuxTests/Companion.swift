import Foundation
import Testing

/// A Python process that acts beside a test until the test has finished.
final class Companion {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  /// Runs `python` and waits until it calls `ready()`.
  ///
  /// Its loops run `while running()`; `finish` returns what it prints.
  init(in directory: URL, _ python: String) throws {
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.currentDirectoryURL = directory
    process.arguments = [
      "-c",
      """
      import ctypes, os, select, stat, sys
      from socket import *
      keep = []
      def bound(path, type=SOCK_STREAM):
        s = socket(AF_UNIX, type); s.bind(path); return s
      def listening(path, type=SOCK_STREAM, backlog=5):
        s = bound(path, type); s.listen(backlog); keep.append(s)
      rounds = 0
      def running():
        global rounds
        rounds += 1
        return rounds % 100 != 0 or not select.select([sys.stdin], [], [], 0)[0]
      def ready(): os.write(1, b"ready\\n")
      libc = ctypes.CDLL(None)
      def exchange(a, b): # renameat2(2) with RENAME_EXCHANGE
        if libc.renameat2(-100, a.encode(), -100, b.encode(), 2) != 0: raise OSError(a)
      \(python)
      sys.stdin.read()
      """,
    ]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try #require(output.fileHandleForReading.availableData == Data("ready\n".utf8))
  }

  /// Ends it and returns its output.
  @discardableResult
  func finish() throws -> String {
    try input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self)
  }
}
