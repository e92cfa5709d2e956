import Testing

@Suite("The memory of a release")
struct AllocationTests {
  /// The tests themselves have the C library's, so a program of its own is linked with ours.
  @Test("is given as malloc(3) says, used again after free(3), and ends with ENOMEM")
  func memory() throws {
    let root = Shell.package.path
    let outcome = try shell(
      """
      cc -static -O2 -Wall -Wextra -Werror -Wno-alloc-size-larger-than -fno-builtin -DRELEASE \\
        -o "$T/program" '\(root)/Tests/support/allocation.c' '\(root)/Sources/Start/allocation.c'
      "$T/program"
      """)
    #expect(outcome.output == "passed\n", "\(outcome.errors)")
  }
}
