@testable import Linux
import Testing

@Suite("The words for an error")
struct ErrnoTests {
  /// Of signals, mathematics, streams, messages and modules: no call here gives them.
  private static let unused: Set<Int32> = Set(
    [29, 33, 34, 35, 41, 62, 73, 76, 90, 88, 102, 108, 109, 130, 132, 133]
      + Array(44...59) + Array(64...70) + [78] + Array(81...87) + [118, 119, 120])

  @Test("are glibc's in a release, too, whose C library has others")
  func words() throws {
    let source = Shell.package.path + "/Tests/support/errors.c"
    let outcome = try shell(
      """
      musl=$(uname -m)-linux-musl
      cc -static -nostdlib -isystem "/usr/include/$musl" -o "$T/musl" "/usr/lib/$musl/crt1.o" '\(source)' \\
        "/usr/lib/$musl/libc.a" -lgcc
      cc -o "$T/glibc" '\(source)'
      LC_ALL=C "$T/glibc"
      LC_ALL=C "$T/musl"
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 266, "\(outcome.errors)")
    var found = 0
    for number in Int32(1)...133 where !ErrnoTests.unused.contains(number) {
      let (glibc, musl) = (lines[Int(number) - 1], lines[Int(number) + 132])
      let words = Errno(rawValue: number).usualWords
      #expect((words ?? musl) == glibc, "\(number)")
      if words != nil { found += 1 }
    }
    #expect(found > 20)
  }
}
