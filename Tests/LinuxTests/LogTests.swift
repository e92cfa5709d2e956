@testable import Linux
import Foundation
import Glibc
import Testing

@Suite("Messages on standard error")
struct LogTests {
  @Test("arrive when the stream, which somebody made non-blocking, is full for a moment")
  func full() async {
    await #expect(processExitsWith: .success) {
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
      try #require(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO)
      let (reader, filled, writer) = (
        ends[0], fill(ends[1]),
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
      )
      Thread.detachNewThread {
        while !isAsleep(writer) { usleep(1000) }
        var text = [UInt8](repeating: 0, count: filled + 100)
        var count = 0
        while count < filled + 20 { count += read(reader, &text[count], text.count - count) }
        exit(text[filled..<count].elementsEqual("entrypoint: info: it\n".utf8) ? 0 : 1)
      }
      Log(level: .info, format: .text).info("it")
      sleep(10)
      exit(2)
    }
  }
}

/// Whether a thread, such as "7/task/8", waits for something (proc(5)).
private func isAsleep(_ thread: String) -> Bool {
  let status = try? String(contentsOfFile: "/proc/\(thread)/status", encoding: .utf8)
  return status?.contains("\nState:\tS") == true
}

/// Writes until there is no more room, and returns the number of bytes.
private func fill(_ pipe: CInt) -> Int {
  var count = 0
  while write(pipe, "x", 1) == 1 { count += 1 }
  return count
}
